import type { Span } from '../source/diagnostic'
import type { ResolverOptions, ServerAddress, ZoneServers } from '../dns/types'
import type { Relay } from '../model/relay'
import type { DirectTerms } from '../model/terms'
import type { Secret } from '../model/secret'

/** One `key = value` line. */
export interface Setting {
  readonly key: string
  readonly value: string
  readonly keySpan: Span
  readonly valueSpan: Span
}

/** `[relay:NAME]`, checked; secrets read. */
export interface RelaySettings extends Relay {
  readonly name: string
  /** The header. */
  readonly span: Span
  /** The key of the password, or of a secret of OAuth 2.0; absent where none of them is in this file. */
  readonly passwordSpan?: Span
  /** The value of `tls_cert`. */
  readonly certificateSpan?: Span
}

/** `[direct:NAME]`, with what it leaves out taken from `[direct]`. */
export interface DirectSettings extends DirectTerms {
  readonly name: string
  /** The header. */
  readonly span: Span
}

/** One line of `[attempts]`. */
export interface AttemptsEntry {
  readonly pattern: string
  readonly direct: number
  readonly relay: number
  readonly span: Span
}

/** `[status]`. */
export interface StatusSettings {
  /** Addresses or CIDR blocks that may see the status page. */
  readonly allow: readonly string[]
  /** Those of proxies that are believed about the address of a client (X-Forwarded-For). */
  readonly proxies: readonly string[]
}

/** The whole file, checked and typed, but for the lines that `rules/` reads. */
export interface Settings {
  /** Empty: the system's servers. */
  readonly dnsServers: readonly ServerAddress[]
  /** Entries; 0: no cache. */
  readonly dnsCacheSize: number
  /** Absent: Haraka's own setting is untouched. */
  readonly mxSendingThreads?: number
  readonly dns: ResolverOptions
  /** Each domain once. */
  readonly dnsZones: readonly ZoneServers[]
  /** In file order. */
  readonly relays: readonly RelaySettings[]
  /** `[direct]`: terms of mail to a domain's own servers. */
  readonly direct: DirectTerms
  /** `[direct:NAME]`, in file order. */
  readonly directTerms: readonly DirectSettings[]
  /** In file order; empty: no `[attempts]`. */
  readonly attempts: readonly AttemptsEntry[]
  /** As written; a password, and a URL that may hold one, as secrets. */
  readonly redis?: Readonly<Record<string, string | Secret>>
  readonly status: StatusSettings
  readonly tests: { readonly onReload: 'warn' | 'refuse' | 'ignore' }
}

/** Where secrets come from, injected so that a test needs no real file. */
export interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /**
   * The text of the file of a secret, and its permission bits.
   *
   * @throws Error as `readRegularFile` does
   */
  readonly readFile: (path: string) => { readonly text: string; readonly mode: number }
  /**
   * What a secret that cannot be read is. With `warning` it is an empty text in the configuration: for all that speaks to no relay.
   *
   * @default 'error'
   */
  readonly missing?: 'error' | 'warning'
  /**
   * Milliseconds since the epoch: is a certificate valid?
   *
   * @default Date.now
   */
  readonly now?: () => number
}
