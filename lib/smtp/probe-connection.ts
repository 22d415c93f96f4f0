import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import {
  checkServerIdentity,
  connect as connectTls,
  rootCertificates,
  type PeerCertificate,
  type TLSSocket,
} from 'node:tls'

/** One reply of a server: code, and the text of each line (RFC 5321 section 4.2). */
export interface Reply {
  readonly code: number
  readonly lines: readonly string[]
}

/** A reply this long is none. */
const LONGEST_REPLY = 64 * 1024

/** What the server's certificate is, and what is wrong with it. */
export interface CertificateReport {
  readonly subject: string
  readonly issuer: string
  /** ms since the epoch. */
  readonly validTo: number
  readonly protocol: string
  /** Empty: a client that insists on a good certificate takes it. */
  readonly faults: readonly { readonly kind: 'chain' | 'name' | 'expired'; readonly message: string }[]
}

/** Where to connect, and how. */
export interface ConnectionOptions {
  readonly address: string
  readonly port: number
  /** The name that the certificate must be good for. */
  readonly host: string
  readonly bind?: string
  /** For each step, milliseconds. */
  readonly timeout: number
  /** Trusted beside the system's authorities, PEM. */
  readonly ca?: readonly string[]
}

/** A fault on the way, with the system's code where it has one. */
export class ConnectionFault extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** One SMTP connection that is only looked at: replies are read whole, each step is bounded in time. */
export class ProbeConnection {
  readonly #options: ConnectionOptions
  #socket: Socket
  #buffer = ''
  #closed: Error | undefined
  #wake: (() => void) | undefined

  private constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket
    this.#options = options
    this.#attach(socket)
  }

  /** Connects over TCP. Rejects with a ConnectionFault. */
  static async open(options: ConnectionOptions): Promise<ProbeConnection> {
    const { address, port, bind } = options
    const socket = connect({ host: address, port, ...(bind === undefined ? {} : { localAddress: bind }) })
    try {
      await bounded(once(socket, 'connect'), options.timeout, 'no connection')
    } catch (error) {
      socket.destroy()
      throw error
    }
    return new ProbeConnection(socket, options)
  }

  #attach(socket: Socket): void {
    this.#closed = undefined
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      this.#buffer += chunk
      this.#wake?.()
    })
    const close = (error?: Error) => {
      if (socket !== this.#socket) return
      this.#closed ??= error ?? new ConnectionFault('ECLOSED', 'the server closed the connection')
      this.#wake?.()
    }
    socket.on('error', close)
    socket.on('close', () => close())
  }

  /** The next reply. Rejects with a ConnectionFault when none comes in time or what comes is not SMTP. */
  async reply(): Promise<Reply> {
    return bounded(this.#read(), this.#options.timeout, 'no reply')
  }

  async #read(): Promise<Reply> {
    const lines: string[] = []
    for (;;) {
      const end = this.#buffer.indexOf('\n')
      if (end === -1) {
        if (this.#buffer.length > LONGEST_REPLY) throw new ConnectionFault('EPROTO', 'the reply does not end')
        if (this.#closed) throw this.#closed
        await new Promise<void>((resolve) => (this.#wake = resolve))
        continue
      }
      const line = this.#buffer.slice(0, end).replace(/\r$/, '')
      this.#buffer = this.#buffer.slice(end + 1)
      const [, code, separator, text = ''] = /^(\d{3})(?:([ -])(.*))?$/.exec(line) ?? []
      if (code === undefined || lines.length > 200) {
        throw new ConnectionFault(
          'EPROTO',
          `the server does not speak SMTP: ${JSON.stringify(line.slice(0, 80))}`,
        )
      }
      lines.push(text)
      if (separator !== '-') return { code: Number(code), lines }
    }
  }

  /** Sends one command and reads its reply. */
  async command(line: string): Promise<Reply> {
    this.#socket.write(`${line}\r\n`)
    return this.reply()
  }

  /**
   * Starts TLS on the connection, taking any certificate so that its faults can be told. What was received before is
   * dropped (RFC 3207 section 4.2).
   */
  async startTls(): Promise<CertificateReport> {
    const { host, timeout, ca } = this.#options
    const plain = this.#socket
    plain.removeAllListeners('data')
    plain.removeAllListeners('error')
    plain.removeAllListeners('close')
    // what goes wrong below is told by the TLS socket; without a listener it would be thrown as well
    plain.on('error', () => undefined)
    this.#buffer = ''
    const socket = connectTls({
      socket: plain,
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca: [...rootCertificates, ...ca] }),
    })
    this.#socket = socket
    await bounded(once(socket, 'secureConnect'), timeout, 'no TLS handshake')
    this.#attach(socket)
    return describeCertificate(socket, host)
  }

  /** Ends the connection at once. */
  close(): void {
    this.#socket.destroy()
  }
}

/** The promise, or a ConnectionFault `ETIMEDOUT` when it takes longer. */
async function bounded<T>(promise: Promise<T>, timeout: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new ConnectionFault('ETIMEDOUT', `${what} within ${timeout / 1000} s`)),
      timeout,
    )
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
    // when the wait was given up, what comes of it later is of no interest
    promise.catch(() => undefined)
  }
}

function name(part: PeerCertificate['subject'] | undefined): string {
  return String(part?.CN ?? part?.O ?? 'nobody')
}

function describeCertificate(socket: TLSSocket, host: string): CertificateReport {
  const certificate = socket.getPeerCertificate()
  const validTo = Date.parse(certificate.valid_to)
  const faults: { kind: 'chain' | 'name' | 'expired'; message: string }[] = []
  const identity = checkServerIdentity(host, certificate)
  const code = String(socket.authorizationError ?? '')
  if (code === 'CERT_HAS_EXPIRED') {
    faults.push({ kind: 'expired', message: `it expired on ${new Date(validTo).toISOString().slice(0, 10)}` })
  } else if (code !== '' && !code.includes('ALTNAME')) {
    faults.push({ kind: 'chain', message: CHAIN_FAULTS[code] ?? `it is not trusted (${code})` })
  }
  if (identity !== undefined) {
    const names = (certificate.subjectaltname ?? name(certificate.subject))
      .replaceAll('IP Address:', '')
      .replaceAll('DNS:', '')
    faults.push({ kind: 'name', message: `it is for ${names}, not for ${host}` })
  }
  return {
    subject: name(certificate.subject),
    issuer: name(certificate.issuer),
    validTo,
    protocol: socket.getProtocol() ?? 'TLS',
    faults,
  }
}

/** OpenSSL's words for a chain that is not trusted, in ours. */
const CHAIN_FAULTS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its chain ends in a self-signed certificate that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the authority that signed it is not known here, or the server does not send the chain',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the authority that signed it is not known here',
  UNABLE_TO_GET_ISSUER_CERT: 'the server does not send the whole chain',
  CERT_NOT_YET_VALID: 'it is not valid yet',
}
