import type { HarakaAddress, Loggable, Notes } from './plugin'
import type { HarakaSocket } from './socket'

/** A `HarakaMx` (haraka-net-utils `lib/HarakaMx.js`), as far as it is used. */
export interface HarakaMxLike {
  exchange?: string
  port?: number
  priority?: number
  bind?: string
  bind_helo?: string
  using_lmtp?: boolean
  auth_user?: string
  auth_pass?: string
  auth_type?: string | undefined
  /** The host name that `exchange` is an address of. Set, it makes Haraka skip local addresses (`local_mx_ok`). */
  from_dns?: string | undefined
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
  /** What `get_force_tls` said last. */
  force_tls?: boolean
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
}

/** Haraka's `HMailItem` (`outbound/hmail.js`): one message to one domain in the queue. */
export interface HMailItem extends OutboundItem, Loggable {
  readonly todo: OutboundItem['todo'] & {
    readonly uuid?: string
    readonly mail_from: HarakaAddress
    readonly rcpt_to: readonly (QueuedRecipient & HarakaAddress)[]
    notes: Notes
  }
  /** Bytes of the queue file. */
  file_size: number
  /** Where the message begins in it. */
  data_start: number
  /** The queue file. */
  readonly path: string
  /** Its name. */
  readonly filename: string
  /** Those of the transaction; `todo.notes` are what the queue file has of them. */
  readonly notes?: Notes
}

/** `outbound/config.js`: replaces `cfg` whenever `outbound.ini` changes. */
export interface OutboundConfig {
  cfg: OutboundCfg
}

/** `outbound.ini`, as far as it is used. */
export interface OutboundCfg {
  concurrency_max: number
  inet_prefer: 'v4' | 'v6' | 'default'
  local_mx_ok: boolean
  /** Seconds. */
  temp_fail_intervals?: readonly number[]
}
