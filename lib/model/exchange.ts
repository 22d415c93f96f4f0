import type { Endpoint } from './endpoint'
import type { Relay } from './relay'
import type { Terms } from './terms'

/** What put an exchange into a decision. */
export type Origin =
  /** An override line. */
  | { readonly kind: 'line'; readonly line: number }
  /** A relay of section `[attempts]`. */
  | { readonly kind: 'attempts' }
  /** The domain's own MX or address. */
  | { readonly kind: 'dns' }

/** A server in a decision. */
export interface Exchange {
  readonly endpoint: Endpoint
  /** Lower is tried first. */
  readonly priority: number
  readonly origin: Origin
  readonly terms: Terms
  /** The operator's server that this is; absent for an exchange from DNS. */
  readonly relay?: Relay
}
