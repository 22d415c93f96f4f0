import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerSession } from 'smtp-server'

/** One message as a server took it. */
export interface Received {
  readonly mailFrom: string
  readonly rcptTo: readonly string[]
  readonly data: string
  /** User name of AUTH; empty without. */
  readonly user: string
  readonly secure: boolean
  readonly helo: string
  readonly remoteAddress: string
  /** Server name that TLS asked for (SNI). */
  readonly servername: string
}

export type Stage = 'connect' | 'auth' | 'mail' | 'rcpt' | 'data'

/** An answer that is not the usual one. */
export interface Reply {
  readonly code: number
  readonly text?: string
}

export interface SinkOptions {
  readonly host?: string
  readonly port?: number
  /** Users and their passwords; absent: AUTH is not offered. */
  readonly users?: Readonly<Record<string, string>>
  readonly methods?: readonly ('PLAIN' | 'LOGIN' | 'CRAM-MD5' | 'XOAUTH2')[]
  /** With XOAUTH2: is this token good? */
  readonly isTokenGood?: (token: string) => boolean
  /** Offer STARTTLS with the certificate `test/fixtures/tls/<name>.pem`. */
  readonly tls?: 'server' | 'self-signed' | 'wrong-name' | 'expired'
  readonly lmtp?: boolean
  /** TLS from the first byte. */
  readonly implicitTls?: boolean
  /** Clients must show a certificate of the test CA. */
  readonly demandsCertificate?: boolean
  /** Called at every stage: undefined is the usual answer, a reply is given instead. May wait. */
  readonly answer?: Answer
}

export type Answer = (
  stage: Stage,
  session: SMTPServerSession,
  address: string,
) => Reply | undefined | Promise<Reply | undefined>

/** A real SMTP server on a loopback address that keeps what it is sent. */
export interface Sink {
  readonly host: string
  readonly port: number
  readonly received: readonly Received[]
  /** Connections made since the start. */
  readonly connections: () => number
  /** Replaces the answers from now on. */
  answer: Answer
  /** Called at once for every message that was taken. */
  onReceived: (listener: () => void) => void
  close: () => Promise<void>
}

function failure(reply: Reply): Error {
  return Object.assign(new Error(reply.text ?? 'refused by the test'), { responseCode: reply.code })
}

function tlsFiles(name: string): { key: Buffer; cert: Buffer } {
  return {
    key: readFileSync(`test/fixtures/tls/${name}.key`),
    cert: readFileSync(`test/fixtures/tls/${name}.pem`),
  }
}

/** Greets at once: smtp-server first waits 100 ms for clients that talk too soon, which each delivery of each test would wait too. */
class PromptServer extends SMTPServer {
  override connect(...words: Parameters<SMTPServer['connect']>): void {
    const before = new Set(this.connections)
    super.connect(...words)
    for (const connection of this.connections) {
      if (before.has(connection)) continue
      const greet = connection.connectionReady.bind(connection)
      connection.connectionReady = () => {}
      setImmediate(greet)
    }
  }
}

/** Starts a server; the caller closes it. */
export async function startSink(options: SinkOptions = {}): Promise<Sink> {
  const received: Received[] = []
  const listeners: (() => void)[] = []
  let connections = 0

  const ask = (
    stage: Stage,
    session: SMTPServerSession,
    address: string,
    callback: (error?: Error | null) => void,
  ): void => {
    Promise.resolve(sink.answer(stage, session, address)).then(
      (reply) => callback(reply === undefined ? null : failure(reply)),
      (error: Error) => callback(error),
    )
  }

  const { users } = options
  const server = new PromptServer({
    ...(options.tls === undefined ? {} : tlsFiles(options.tls)),
    secure: options.implicitTls ?? false,
    ...(options.demandsCertificate === true
      ? { requestCert: true, rejectUnauthorized: true, ca: [readFileSync('test/fixtures/tls/ca.pem')] }
      : {}),
    authMethods: [...(options.methods ?? ['PLAIN', 'LOGIN', 'CRAM-MD5'])],
    authOptional: true,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    disabledCommands: [
      ...(options.tls === undefined ? ['STARTTLS'] : []),
      ...(users === undefined && options.isTokenGood === undefined ? ['AUTH'] : []),
    ],
    lmtp: options.lmtp ?? false,
    logger: false,
    closeTimeout: 100,
    onConnect(session, callback) {
      connections++
      ask('connect', session, '', callback)
    },
    onAuth(auth, session, callback) {
      ask('auth', session, auth.username ?? '', (error) => {
        if (error) return callback(error)
        if (auth.method === 'XOAUTH2') {
          return options.isTokenGood?.(auth.accessToken ?? '') === true
            ? callback(null, { user: auth.username })
            : callback(null, { data: { status: '401', schemes: 'bearer', scope: 'smtp.send' } })
        }
        const password = users?.[auth.username ?? '']
        const right =
          password !== undefined &&
          (auth.method === 'CRAM-MD5' ? auth.validatePassword(password) : auth.password === password)
        if (!right) return callback(failure({ code: 535, text: 'Authentication failed' }))
        return callback(null, { user: auth.username })
      })
    },
    onMailFrom(address, session, callback) {
      ask('mail', session, address.address, callback)
    },
    onRcptTo(address, session, callback) {
      ask('rcpt', session, address.address, callback)
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () =>
        ask('data', session, '', (error) => {
          if (error) return callback(error)
          const { envelope } = session
          received.push({
            mailFrom: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
            rcptTo: envelope.rcptTo.map(({ address }) => address),
            data: Buffer.concat(chunks).toString('utf8'),
            user: typeof session.user === 'string' ? session.user : '',
            secure: session.secure,
            helo: session.hostNameAppearsAs,
            remoteAddress: session.remoteAddress,
            servername: typeof session.servername === 'string' ? session.servername : '',
          })
          for (const listener of listeners) listener()
          if (options.lmtp !== true) return callback(null)
          return callback(
            null,
            envelope.rcptTo.map(() => 'taken'),
          )
        }),
      )
    },
  })
  // A client that is killed in the middle is not an error of the server.
  server.on('error', () => {})
  const host = options.host ?? '127.0.0.1'
  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject)
    server.listen(options.port ?? 0, host, () => resolve())
  })
  const sink: Sink = {
    host,
    port: (server.server.address() as AddressInfo).port,
    received,
    connections: () => connections,
    answer: options.answer ?? (() => undefined),
    onReceived: (listener) => void listeners.push(listener),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
  return sink
}
