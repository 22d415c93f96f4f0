import type { Candidate } from './attempt-types'

/** A `HarakaMx` (haraka-net-utils `lib/HarakaMx.js`), as far as delivery looks at it. */
export interface HarakaMxLike {
  exchange?: string
  port?: number
  priority?: number
  bind?: string
  bind_helo?: string
  using_lmtp?: boolean
  auth_user?: string
  auth_pass?: string
  auth_type?: string
  /** The host name that `exchange` is an address of. Set, it makes Haraka skip local addresses (`local_mx_ok`). */
  from_dns?: string
}

/** One element of the answer to `get_mx`, and the exchange that it is an address of. */
export interface PlannedExchange extends Candidate {
  readonly mx: HarakaMxLike
}

/** What `tls.connect` gives, as far as it is looked at; a `net.Socket` before that. */
export interface TargetSocket {
  authorized?: boolean
  authorizationError?: Error | string | null
  encrypted?: boolean
  destroyed?: boolean
  /** Octets handed over for sending, and those of them that wait. */
  readonly bytesWritten?: number
  readonly writableLength?: number
  once(event: 'close', listener: () => void): unknown
  destroy(): unknown
}

/** The callback of a socket's `upgrade`: was the certificate good, and if not, why. */
export type UpgradeCallback = (authorized: boolean, error: unknown, ...more: unknown[]) => void

/** Haraka's `pluggableStream` (`tls_socket.js`) with the line processor of `client_pool.js` on it. */
export interface HarakaSocket {
  writable: boolean
  targetsocket: TargetSocket
  write(data: string | Uint8Array, ...more: unknown[]): boolean
  upgrade(options: Record<string, unknown>, callback?: UpgradeCallback): void
  destroy(): unknown
  isEncrypted(): boolean | undefined
  emit(event: string, ...parameters: unknown[]): boolean
  on(event: string, listener: (...parameters: never[]) => void): unknown
  once(event: string, listener: (...parameters: never[]) => void): unknown
  prependListener(event: string, listener: (...parameters: never[]) => void): unknown
  removeListener(event: string, listener: (...parameters: never[]) => void): unknown
  removeAllListeners(event?: string): unknown
  listeners(event: string): unknown[]
  listenerCount(event: string): number
}

/** A recipient in the queue, with what a bounce message says of it. */
export interface QueuedRecipient {
  reason?: string
  dsn_msg?: string
  dsn_action?: 'failed' | 'delayed' | 'delivered'
  dsn_smtp_code?: string
  dsn_smtp_extc?: string | undefined
  dsn_status?: string | undefined
  dsn_smtp_response?: string
  dsn_remote_mta?: string
}

/** Haraka's `HMailItem` (`outbound/hmail.js`), as far as delivery works with it. */
export interface OutboundItem {
  readonly todo: {
    readonly domain: string
    /** Milliseconds since the epoch. */
    readonly queue_time?: number
    readonly rcpt_to: readonly QueuedRecipient[]
  }
  readonly cfg?: {
    /** Seconds. */
    readonly temp_fail_intervals?: readonly number[]
    readonly enable_tls?: boolean
    /** Seconds. */
    readonly connect_timeout?: number
  }
  num_failures: number
  /** Until it is 0 the file stays, see `discard`. */
  refcount: number
  readonly obtls?: { get_tls_options(mx: HarakaMxLike): Record<string, unknown> }
  mxlist?: HarakaMxLike[]
  next_cb: () => void
  /** Name of the queue file. */
  readonly filename?: string
  found_mx(mxs: HarakaMxLike[]): unknown
  try_deliver(): unknown
  try_deliver_host_on_socket(mx: HarakaMxLike, host: string, port: number, socket: HarakaSocket): unknown
  get_force_tls(mx: HarakaMxLike): boolean
  delivered(...parameters: unknown[]): unknown
  bounce(error: unknown, extra?: unknown): unknown
  convert_temp_failed_to_bounce(error: unknown, extra?: unknown): unknown
  discard(): void
  split_to_new_recipients(
    recipients: readonly QueuedRecipient[],
    response: string,
    done: (hmail: OutboundItem) => void,
  ): unknown
  temp_fail(error: unknown, extra?: unknown): unknown
  send_email_respond(retval: number, seconds: number): unknown
  logprotocol(...parameters: unknown[]): void
  loginfo(...parameters: unknown[]): void
  lognotice(...parameters: unknown[]): void
  logwarn(...parameters: unknown[]): void
  logerror(...parameters: unknown[]): void
}
