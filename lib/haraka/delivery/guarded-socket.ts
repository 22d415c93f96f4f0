import { isIP } from 'node:net'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { ClientCertificate } from '../../model/relay'
import { shorten } from '../../smtp/reply-reader'
import type { Session } from '../../smtp/session'
import type { Encryption, SessionFailure } from '../../smtp/session-types'
import type { HarakaSocket } from '../../haraka-objects/socket'
import { watchProgress, type Patience } from './watchdog'

/*
 * Stands between Haraka 3.3.4 and one socket, because `try_deliver_host_on_socket` of outbound/hmail.js
 *   - bounces or defers the message by what the server says of itself (greeting, EHLO, STARTTLS, AUTH), and tries no other exchange;
 *   - sends without AUTH what should be sent with it, and passwords in clear;
 *   - has no field for TLS policies, and knows no TLS from the first byte;
 *   - leaves a socket open for as long as the server does not close it after QUIT.
 * What it does right is to go on to the next exchange when a socket fails. So a failure of the server is made to look like that.
 */

/** What the guard reports of one connection. */
export interface GuardObserver {
  /** The server failed; Haraka goes on to its next exchange next. */
  noteFailure(failure: SessionFailure): void
  /** The server did its part. */
  noteSuccess(): void
}

/** The connection to guard. */
export interface GuardedConnection {
  readonly socket: HarakaSocket
  readonly session: Session
  /** What Haraka's log calls the server. */
  readonly label: string
  /** Host name or address that a certificate must be good for. */
  readonly host: string
  /** The certificate must be good. */
  readonly verify: boolean
  /** Options of TLS from the first byte; absent: the connection begins in clear. */
  readonly implicitTls?: Record<string, unknown> | undefined
  /** Shown to a server that asks for one. */
  readonly clientCertificate?: ClientCertificate | undefined
  readonly patience: Patience
  /** Haraka's own `try_deliver_host_on_socket`. */
  readonly begin: () => void
  /** How Haraka itself goes on after a connection that failed. */
  readonly giveUp: () => void
}

type Listener = (...parameters: unknown[]) => void

const LINE_FEED = 10
const CLEAR: Encryption = { encrypted: false, verified: false }
/**
 * The longest line of a reply, in bytes; RFC 5321 section 4.5.3.1.5 allows 512. haraka-net-utils (`line_socket.js`) searches all that it
 * has of a line at each packet, up to 4 MB: a line without end would stop all other mail for seconds.
 */
const LONGEST_LINE = 131_072
/** How long Haraka has for its QUIT before the connection is closed. Milliseconds. */
const QUIT_TIME_MS = 5_000

/** Guards one connection from its first byte to its last. */
export class GuardedSocket {
  readonly #connection: GuardedConnection
  readonly #observer: GuardObserver
  readonly #write: HarakaSocket['write']
  #onLine: Listener[] = []
  #onError: Listener[] = []
  #begun = false
  #failed = false
  #onClosed: (() => void) | undefined
  #didItsPart = false
  #upgrading = false
  #closed = false
  #wasEncrypted = false
  #lastByte: number | undefined
  /** Bytes received after the last end of a line. */
  #lineBytes = 0
  #stopWatching: () => void = () => {}
  #quitTimer: NodeJS.Timeout | undefined

  constructor(connection: GuardedConnection, observer: GuardObserver) {
    this.#connection = connection
    this.#observer = observer
    const { socket } = connection
    // The socket is never used for another message: nothing of this is ever taken back.
    this.#write = socket.write
    socket.write = (data, ...more) => this.#send(data, more)
    const { upgrade } = socket
    // tls_socket.js: the plain socket carries TLS from then on, and closes with it.
    const raw = socket.targetsocket
    raw.once('close', () => this.#onClose())
    socket.upgrade = (options, callback) => {
      this.#upgrading = true
      const verify = connection.verify || options.rejectUnauthorized === true
      const checked = {
        ...options,
        ...this.#identity(),
        ...this.#ownContext(options),
        rejectUnauthorized: false,
      }
      upgrade.call(socket, checked, (authorized, error, ...more) => {
        this.#afterUpgrade(verify && !authorized ? error : undefined)
        if (!this.#failed) callback?.(authorized, error, ...more)
      })
      // It takes all listeners off the plain socket.
      raw.once('close', () => this.#onClose())
    }
  }

  /** Lets Haraka begin, after TLS where that comes first. */
  start(): void {
    const { socket, session, implicitTls, patience } = this.#connection
    this.#stopWatching = watchProgress(
      {
        replies: () => session.replies,
        sent: () => sentBytes(socket),
        onStuck: (message) => this.#break(message),
      },
      patience,
    )
    if (implicitTls === undefined) {
      this.#begin()
      return
    }
    // client_pool.js took its own listeners off, and Haraka's come with begin().
    socket.on('error', (error: unknown) => this.#break(errorText(error)))
    socket.once('timeout', () => this.#break('timeout'))
    socket.once('close', () => this.#break('it closed the connection'))
    socket.upgrade(implicitTls, () => this.#begin())
  }

  /**
   * The message has left: the connection is closed when QUIT is done, or soon.
   *
   * @param onClosed called when it is closed on our side
   */
  release(onClosed: () => void): void {
    this.#onClosed = onClosed
    if (this.#closed) return
    this.#quitTimer = setTimeout(() => this.#connection.socket.destroy(), QUIT_TIME_MS).unref()
  }

  /** Is it encrypted, or was it when the last line was received? */
  get encrypted(): boolean {
    return this.#wasEncrypted
  }

  /** Is the connection closed on our side? */
  get closed(): boolean {
    return this.#closed
  }

  #begin(): void {
    const { socket, begin } = this.#connection
    begin()
    this.#begun = true
    // outbound/hmail.js adds one listener of each.
    this.#onLine = take(socket, 'line')
    this.#onError = take(socket, 'error')
    socket.prependListener('data', (data: Uint8Array) => this.#note(data))
    socket.prependListener('close', () => this.#lose('it closed the connection'))
    socket.on('line', (line: string) => this.#receive(line))
    socket.on('error', (error: unknown) => this.#break(errorText(error)))
  }

  #identity(): Record<string, unknown> {
    const { host } = this.#connection
    // RFC 6066 section 3: no addresses in SNI. `host` is what the certificate is compared with then.
    return isIP(host) === 0 ? { servername: host, host } : { servername: undefined, host }
  }

  /** Also in place of a certificate that Haraka's `tls.ini` has (`mutual_tls` in tls_socket.js). */
  #ownContext(options: SecureContextOptions): { secureContext?: SecureContext } {
    const { clientCertificate } = this.#connection
    if (clientCertificate === undefined) return {}
    const { chain, key } = clientCertificate
    return { secureContext: createSecureContext({ ...options, cert: chain, key: key.reveal() }) }
  }

  get #encryption(): Encryption {
    const { socket } = this.#connection
    if (this.#upgrading || socket.isEncrypted() !== true) return CLEAR
    return { encrypted: true, verified: socket.targetsocket.authorized === true }
  }

  #afterUpgrade(refused: unknown): void {
    const { session, host } = this.#connection
    this.#upgrading = false
    session.noteTlsStarted()
    if (refused === undefined) return
    this.#fail(session.refuseCertificate(`its certificate is not good for ${host}: ${errorText(refused)}`))
  }

  #send(data: string | Uint8Array, more: unknown[]): boolean {
    if (this.#failed) return true
    const { session, socket } = this.#connection
    if (typeof data === 'string') {
      const failure = session.send(data, this.#encryption)
      if (failure !== undefined) {
        this.#fail(failure)
        return true
      }
      return this.#write.call(socket, session.translate(data), ...more)
    }
    return this.#write.call(socket, data, ...more)
  }

  #note(data: Uint8Array): void {
    this.#lastByte = data[data.length - 1]
    const end = data.lastIndexOf(LINE_FEED)
    this.#lineBytes = end === -1 ? this.#lineBytes + data.length : data.length - end - 1
    if (this.#lineBytes > LONGEST_LINE) this.#break(`a line of its reply has more than ${LONGEST_LINE} bytes`)
  }

  #receive(line: string): void {
    if (this.#failed) return
    const { session, socket } = this.#connection
    const encryption = this.#encryption
    this.#wasEncrypted = encryption.encrypted
    const verdict = session.receive(line, this.#lastByte === LINE_FEED, encryption)
    if (session.didItsPart && !this.#didItsPart) {
      this.#didItsPart = true
      this.#observer.noteSuccess()
    }
    if (verdict.kind === 'fail') this.#fail(verdict.failure)
    else if (verdict.kind === 'answer') this.#write.call(socket, `${verdict.line}\r\n`)
    else if (verdict.kind === 'pass') for (const listener of this.#onLine) listener.call(socket, verdict.line)
  }

  /** The socket itself failed, or gets nowhere. */
  #break(message: string): void {
    if (this.#failed) return
    const text = this.#lose(message)
    this.#failed = true
    this.#passOn(text)
  }

  /** The connection has ended. In LMTP the recipients that were delivered must not get the message again. @returns why, for the log */
  #lose(message: string): string {
    const replies = this.#failed ? [] : this.#connection.session.replaceMissing(message)
    if (replies.length === 0) return this.#report(message)
    for (const reply of replies) this.#receive(reply)
    return message
  }

  /** Says once how the connection came to its end, if that was before the message had left. @returns that, for the log */
  #report(message: string): string {
    if (this.#failed || this.#onClosed !== undefined) return message
    const failure = this.#connection.session.lose(message)
    this.#observer.noteFailure(failure)
    return failure.message
  }

  #fail(failure: SessionFailure): void {
    if (this.#failed) return
    this.#failed = true
    this.#observer.noteFailure(failure)
    if (failure.polite) this.#write.call(this.#connection.socket, 'QUIT\r\n')
    // Not at once: Haraka may be in the middle of sending, and sets its state after that.
    setImmediate(() => this.#passOn(failure.message))
  }

  /** Makes Haraka go on, as it does when a socket fails. */
  #passOn(message: string): void {
    const { socket, giveUp, label } = this.#connection
    if (this.#begun) {
      // A new error: with `source: 'tls'`, which tls_socket.js gives to every error, Haraka would ask Redis to do without TLS
      // at this host from now on, and wait for Redis.
      for (const listener of this.#onError) listener.call(socket, new Error(`${label}: ${message}`))
    } else {
      socket.removeAllListeners()
      socket.destroy()
      giveUp()
    }
    // Haraka took all listeners off; a late error must not end the process.
    socket.on('error', () => {})
  }

  #onClose(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stopWatching()
    clearTimeout(this.#quitTimer)
    this.#onClosed?.()
  }
}

function take(socket: HarakaSocket, event: string): Listener[] {
  const listeners = socket.listeners(event) as Listener[]
  socket.removeAllListeners(event)
  return listeners
}

function sentBytes({ targetsocket }: HarakaSocket): number {
  return (targetsocket.bytesWritten ?? 0) - (targetsocket.writableLength ?? 0)
}

/** An error of TLS may quote the certificate, in which a foreign server writes what it likes. */
function errorText(error: unknown): string {
  if (error instanceof Error) return shorten(error.message)
  return typeof error === 'string' ? shorten(error) : 'unknown error'
}
