import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, rootCertificates } from 'node:tls'
import type { ClientCertificate } from '../model/relay'
import { describeCertificate, type CertificateReport } from './certificate'

/** A longer line is not SMTP. Characters. */
const LONGEST_LINE = 64 * 1024

/** Where to connect, and how. */
export interface ConnectionOptions {
  readonly address: string
  readonly port: number
  /** The name that the certificate must be valid for. */
  readonly host: string
  readonly bind?: string
  /** For each step, milliseconds. */
  readonly timeoutMs: number
  /** Certificate authorities that are trusted besides the system's, PEM. */
  readonly ca?: readonly string[]
  readonly clientCertificate?: ClientCertificate
}

/** A connection that failed, with the system's code if there is one. */
export class ConnectionError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** One line, and whether anything came after it. */
export interface ReceivedLine {
  readonly text: string
  readonly alone: boolean
}

/** One TCP connection, read line by line, with a time limit for each step. */
export class Connection {
  readonly #options: ConnectionOptions
  #socket: Socket
  #buffer = ''
  #closed: Error | undefined
  #hasSpoken = false
  #wake: (() => void) | undefined

  private constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket
    this.#options = options
    this.#attach(socket)
  }

  /** Connects over TCP. Rejects with a ConnectionError, or with the system's error. */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const { address, port, bind } = options
    const socket = connect({ host: address, port, ...(bind === undefined ? {} : { localAddress: bind }) })
    try {
      await limitTime(once(socket, 'connect'), options.timeoutMs, 'no connection')
    } catch (error) {
      socket.destroy()
      throw error
    }
    return new Connection(socket, options)
  }

  /** Milliseconds that a step may take. */
  get timeoutMs(): number {
    return this.#options.timeoutMs
  }

  /** Has anything come from the server? */
  get hasSpoken(): boolean {
    return this.#hasSpoken
  }

  #attach(socket: Socket): void {
    this.#closed = undefined
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      this.#buffer += chunk
      this.#hasSpoken = true
      this.#wake?.()
    })
    const close = (error?: Error) => {
      if (socket !== this.#socket) return
      this.#closed ??= error ?? new ConnectionError('ECLOSED', 'it closed the connection')
      this.#wake?.()
    }
    socket.on('error', close)
    socket.on('close', () => close())
  }

  /** The next line, with its end. Rejects with a ConnectionError if the connection ends, or the line does not. */
  async readLine(): Promise<ReceivedLine> {
    for (;;) {
      const end = this.#buffer.indexOf('\n') + 1
      if (end > 0) {
        const text = this.#buffer.slice(0, end)
        this.#buffer = this.#buffer.slice(end)
        return { text, alone: this.#buffer === '' }
      }
      if (this.#buffer.length > LONGEST_LINE) throw new ConnectionError('EPROTO', 'its reply does not end')
      if (this.#closed) throw this.#closed
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Sends one line. */
  write(line: string): void {
    this.#socket.write(`${line}\r\n`)
  }

  /**
   * Starts TLS, and accepts any certificate so that its faults can be reported. Text that was received before is dropped (RFC 3207
   * section 4.2).
   */
  async startTls(): Promise<CertificateReport> {
    const { host, timeoutMs, ca, clientCertificate } = this.#options
    const plain = this.#socket
    plain.removeAllListeners('data')
    plain.removeAllListeners('error')
    plain.removeAllListeners('close')
    // The TLS socket reports errors of this socket; without a listener they would also be thrown.
    plain.on('error', () => undefined)
    this.#buffer = ''
    const socket = connectTls({
      socket: plain,
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca: [...rootCertificates, ...ca] }),
      ...(clientCertificate === undefined
        ? {}
        : { cert: clientCertificate.chain, key: clientCertificate.key.reveal() }),
    })
    this.#socket = socket
    await limitTime(once(socket, 'secureConnect'), timeoutMs, 'no TLS handshake')
    this.#attach(socket)
    return describeCertificate(socket, host)
  }

  /** Ends the connection at once. */
  close(): void {
    this.#socket.destroy()
  }
}

/** The promise, or a ConnectionError `ETIMEDOUT` if it takes longer. Milliseconds. */
export async function limitTime<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new ConnectionError('ETIMEDOUT', `${what} within ${timeoutMs / 1000} s`)),
      timeoutMs,
    )
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
    // Nobody waits for its result any more.
    promise.catch(() => undefined)
  }
}
