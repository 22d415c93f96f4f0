import { isIP } from 'node:net'
import type { RelayFailure } from '../../model/failure'
import type { Channel, Dialogue } from '../../smtp/session'
import { override } from '../patch'
import type { HarakaSocket, TargetSocket } from './types'
import { sanitized } from '../log-line'

/*
 * Stands between Haraka 3.3.4 and one socket to a relay, because `try_deliver_host_on_socket` of outbound/hmail.js
 *   - bounces or defers the message by what the relay says of itself (greeting, EHLO, STARTTLS, AUTH), and tries no other exchange;
 *   - sends without AUTH what should be sent with it, and passwords in clear;
 *   - has no field for TLS policies, and knows no TLS from the first byte.
 * What it does do right is to go on to the next exchange when a socket fails. So a relay's failure is made to look like that.
 */

/** What the guard tells of one connection. */
export interface GuardEvents {
  /** The relay failed; Haraka goes on to its next exchange next. */
  readonly failed: (failure: RelayFailure, startingTls: boolean) => void
  /** The relay did its part. */
  readonly accepted: () => void
  /** The connection is closed on our side. */
  readonly closed: () => void
}

/** The connection to guard. */
export interface GuardedConnection {
  readonly socket: HarakaSocket
  readonly dialogue: Dialogue
  /** What Haraka's log calls the relay. */
  readonly label: string
  /** Host name or address that a certificate must be good for. */
  readonly host: string
  /** The certificate must be good. */
  readonly verify: boolean
  /** Options of TLS from the first byte; absent: the connection begins in clear. */
  readonly implicitTls?: Record<string, unknown>
  /** Haraka's own `try_deliver_host_on_socket`. */
  readonly begin: () => void
  /** Haraka's own way on from a connection that never came about. */
  readonly giveUp: () => void
}

type Listener = (...parameters: unknown[]) => void

const LINE_FEED = 10
/** What is logged of an error, in characters. */
const LONGEST_TEXT = 300

/** Guards one connection from its first byte until the relay has done its part. */
export class ConnectionGuard {
  readonly #connection: GuardedConnection
  readonly #events: GuardEvents
  readonly #raw: TargetSocket
  readonly #undo: (() => void)[] = []
  readonly #write: HarakaSocket['write']
  #onError: Listener[] = []
  #begun = false
  #failed = false
  #accepted = false
  #upgrading = false
  #lastByte: number | undefined

  constructor(connection: GuardedConnection, events: GuardEvents) {
    this.#connection = connection
    this.#events = events
    const { socket } = connection
    this.#raw = socket.targetsocket
    this.#raw.once('close', () => events.closed())
    const write = socket.write.bind(socket)
    this.#write = write
    this.#undo.push(
      override(
        socket,
        'write',
        () =>
          (data, ...more) =>
            this.#sending(data, more),
      ),
    )
    override(socket, 'upgrade', (inner) => (options, callback) => {
      this.#upgrading = true
      const verified = { ...options, ...this.#identity(), rejectUnauthorized: false }
      inner.call(socket, verified, (authorized, error, ...more) => {
        this.#upgraded(authorized, error)
        if (!this.#failed) callback?.(authorized, error, ...more)
      })
      // upgrade() of tls_socket.js takes all listeners off the plain socket.
      this.#raw.once('close', () => events.closed())
    })
  }

  /** Closes the connection if it is still open. */
  close(): void {
    if (this.#raw.destroyed !== true) this.#raw.destroy()
  }

  /** Is the connection closed on our side? */
  get closed(): boolean {
    return this.#raw.destroyed === true
  }

  /** Lets Haraka begin, after TLS where that comes first. */
  start(): void {
    const { socket, implicitTls } = this.#connection
    if (implicitTls === undefined) {
      this.#begin()
      return
    }
    // client_pool.js took its own listeners off, and Haraka's come with begin().
    socket.on('error', (error: unknown) => this.#fail('tls', `TLS failed: ${text(error)}`))
    socket.once('timeout', () => this.#fail('tls', 'TLS timed out'))
    socket.once('close', () => this.#fail('tls', 'it closed the connection instead of TLS'))
    socket.upgrade(implicitTls, () => this.#begin())
  }

  #begin(): void {
    const { socket, begin } = this.#connection
    begin()
    this.#begun = true
    // outbound/hmail.js adds one listener of each.
    const lines = take(socket, 'line')
    this.#onError = take(socket, 'error')
    socket.prependListener('data', (data: Uint8Array) => {
      this.#lastByte = data[data.length - 1]
    })
    socket.on('line', (line: string) => this.#received(line, lines))
    socket.on('error', (error: unknown) => this.#broken(error))
  }

  #identity(): Record<string, unknown> {
    const { host } = this.#connection
    // RFC 6066 section 3: no addresses in SNI. `host` is what the certificate is compared with then.
    return isIP(host) === 0 ? { servername: host, host } : { servername: undefined, host }
  }

  get #channel(): Channel {
    const { socket } = this.#connection
    const encrypted = !this.#upgrading && socket.isEncrypted() === true
    return { encrypted, verified: encrypted && socket.targetsocket.authorized === true }
  }

  #upgraded(authorized: boolean, error: unknown): void {
    this.#upgrading = false
    this.#connection.dialogue.secured()
    if (authorized || !this.#connection.verify) return
    this.#fail('tls', `its certificate is not good for ${this.#connection.host}: ${text(error)}`)
  }

  #sending(data: string | Uint8Array, more: unknown[]): boolean {
    if (this.#failed) return true
    const { dialogue } = this.#connection
    if (typeof data === 'string' && !dialogue.over) {
      const failure = dialogue.command(data, this.#channel)
      if (failure !== undefined) {
        this.#fail(failure.kind, failure.message, true)
        return true
      }
    }
    return this.#write(data, ...more)
  }

  #received(line: string, haraka: readonly Listener[]): void {
    if (this.#failed) return
    const { dialogue, socket } = this.#connection
    const verdict = dialogue.over
      ? { pass: line }
      : dialogue.reply(line, this.#lastByte === LINE_FEED, this.#channel)
    if ('fault' in verdict) {
      this.#fail(verdict.fault.kind, verdict.fault.message, verdict.polite)
      return
    }
    if (dialogue.accepted && !this.#accepted) {
      this.#accepted = true
      this.#events.accepted()
    }
    if ('pass' in verdict) for (const listener of haraka) listener.call(socket, verdict.pass)
  }

  /** The socket itself failed. */
  #broken(error: unknown): void {
    if (this.#failed) return
    const startingTls = this.#upgrading
    if (!this.#accepted) {
      const failure: RelayFailure = startingTls
        ? { kind: 'tls', message: `TLS failed: ${text(error)}` }
        : { kind: 'connect', message: text(error) }
      this.#events.failed(failure, startingTls)
    }
    this.#tellHaraka(text(error))
  }

  #fail(kind: RelayFailure['kind'], message: string, polite = false): void {
    if (this.#failed) return
    this.#failed = true
    const { dialogue } = this.#connection
    this.#events.failed({ kind, message }, dialogue.startingTls)
    if (polite) this.#write('QUIT\r\n')
    // Not at once: Haraka may be in the middle of sending, and sets its state after that.
    setImmediate(() => this.#tellHaraka(message))
  }

  #tellHaraka(message: string): void {
    const { socket, giveUp, label } = this.#connection
    this.#failed = true
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
}

function take(socket: HarakaSocket, event: string): Listener[] {
  const listeners = socket.listeners(event) as Listener[]
  socket.removeAllListeners(event)
  return listeners
}

/** An error of TLS may quote the certificate, in which a foreign server writes what it likes. */
function text(error: unknown): string {
  if (error instanceof Error) return sanitized(error.message).slice(0, LONGEST_TEXT)
  return typeof error === 'string' ? sanitized(error).slice(0, LONGEST_TEXT) : 'unknown error'
}
