import type { Stage } from '../model/failure'
import type { Relay } from '../model/relay'
import type { Reply } from '../model/reply'
import type { CertificateReport } from './certificate'
import { limitTime, type Connection, type ConnectionError } from './connection'
import { adviseConnection, adviseHandshake, adviseReply } from './probe-advice'
import { ProbeStop, type ProbeFinding } from './probe-finding'
import type { Session } from './session'
import type { Encryption, SessionFailure } from './session-types'

const STEPS: Readonly<Record<Stage, ProbeFinding['step']>> = {
  connect: 'connect',
  greeting: 'greeting',
  ehlo: 'ehlo',
  tls: 'tls',
  auth: 'auth',
  // A probe goes no further than AUTH.
  mail: 'auth',
  rcpt: 'auth',
  data: 'auth',
  dot: 'auth',
}

/** A whole reply, and the text of its last line as the server wrote it: the challenge of AUTH. */
export interface FullReply {
  readonly reply: Reply
  readonly lastLine: string
}

/** Commands and replies over one connection, judged by the same policy as the delivery of mail. Every method rejects with a ProbeStop. */
export class Conversation {
  readonly #connection: Connection
  readonly #session: Session
  readonly #relay: Relay
  #encryption: Encryption = { encrypted: false, verified: false }

  constructor(connection: Connection, session: Session, relay: Relay) {
    this.#connection = connection
    this.#session = session
    this.#relay = relay
  }

  get encryption(): Encryption {
    return this.#encryption
  }

  /** The next reply, whole. */
  async read(): Promise<FullReply> {
    return limitTime(this.#read(), this.#connection.timeoutMs, 'no reply').catch((error: unknown) => {
      throw error instanceof ProbeStop ? error : this.#describeLoss(error)
    })
  }

  /** Sends one command and reads its reply. */
  async command(line: string): Promise<FullReply> {
    const failure = this.#session.send(`${line}\r\n`, this.#encryption)
    // If a password must not be sent, that is about the login, also if the reason is that TLS is missing.
    if (failure !== undefined) throw this.#stop(failure, line.startsWith('AUTH') ? 'auth' : undefined)
    this.#connection.write(this.#session.translate(`${line}\r\n`).slice(0, -2))
    return this.read()
  }

  /** Encrypts the connection from now on. */
  async startTls(): Promise<CertificateReport> {
    try {
      const report = await this.#connection.startTls()
      this.#encryption = { encrypted: true, verified: report.faults.length === 0 }
      this.#session.noteTlsStarted()
      return report
    } catch (error) {
      const { code = '', message } = error as { code?: string; message: string }
      const { message: text } = this.#session.lose(message)
      throw new ProbeStop('tls', text, adviseHandshake(code, this.#relay))
    }
  }

  async #read(): Promise<FullReply> {
    for (;;) {
      const { text, alone } = await this.#connection.readLine()
      const replies = this.#session.replies
      const verdict = this.#session.receive(text, alone, this.#encryption)
      if (verdict.kind === 'fail') throw this.#stop(verdict.failure)
      if (verdict.kind === 'answer') {
        this.#connection.write(verdict.line)
        continue
      }
      const { reply } = this.#session.report
      if (this.#session.replies > replies && reply !== undefined) {
        return { reply, lastLine: text.slice(4).trim() }
      }
    }
  }

  #describeLoss(error: unknown): ProbeStop {
    const { code = '', message } = error as Partial<ConnectionError>
    const { timeoutMs, hasSpoken } = this.#connection
    const isUnfinished = code === 'ETIMEDOUT' && hasSpoken && this.#session.replies === 0
    const failure = this.#session.lose(
      isUnfinished ? `its reply does not end within ${timeoutMs / 1000} s` : (message ?? String(error)),
    )
    if (failure.stage === 'tls') {
      return new ProbeStop('tls', failure.message, adviseHandshake(code, this.#relay))
    }
    const isGreeting = failure.stage === 'greeting'
    const text = isGreeting ? `no greeting: ${failure.message}` : failure.message
    return new ProbeStop(STEPS[failure.stage], text, this.#adviseLoss(code, isGreeting))
  }

  /** @param code of the system, or of a ConnectionError */
  #adviseLoss(code: string, isGreeting: boolean): string | undefined {
    if (code !== 'ETIMEDOUT') return adviseConnection(code, this.#relay)
    // The advice about a connection that times out is of no use once there is one.
    if (!isGreeting || this.#connection.hasSpoken || this.#relay.implicitTls) return undefined
    return 'it may wait for TLS from the first byte: write the host as smtps://HOST'
  }

  #stop(failure: SessionFailure, step = STEPS[failure.stage]): ProbeStop {
    return new ProbeStop(step, failure.message, adviseReply(failure))
  }
}
