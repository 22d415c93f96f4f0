import type { ResolverOptions } from '../dns/types'
import { duration, oneOf, percent, seconds, wholeNumber, type Reader } from './values'

/** One key of `[dns]`. Its default is that of the option in `DNS_DEFAULTS`; bounds and unit are those of the reader. */
export interface DnsKey<T> {
  /** As it is written in the file. */
  readonly key: string
  readonly read: Reader<T>
}

const DAY_SECONDS = 86_400
const WEEK_SECONDS = 7 * DAY_SECONDS
/** Haraka gives a hook 30 s (`plugin_timeout`); address lookups and other plugins need their part of it. */
const LONGEST_DEADLINE_MS = 25_000
/** RFC 9520 section 3.2: a failure must not be remembered for longer than five minutes. */
const LONGEST_FAILURE_SECONDS = 300

const ednsSize: Reader<number> = (text) => {
  const value = Number(text)
  return /^\d+$/.test(text) && (value === 0 || (value >= 512 && value <= 4096))
    ? { ok: true, value }
    : { ok: false, expected: 'a size from 512 to 4096, or 0 for no EDNS' }
}

/** The keys of `[dns]`, by the option of the resolver that each sets. */
export const DNS_KEYS: { readonly [O in keyof ResolverOptions]: DnsKey<ResolverOptions[O]> } = {
  order: {
    key: 'order',
    read: oneOf('strict', 'fastest'),
  },
  timeoutMs: { key: 'timeout', read: duration(50, 20_000) },
  tries: { key: 'tries', read: wholeNumber(1, 10) },
  deadlineMs: {
    key: 'deadline',
    read: duration(100, LONGEST_DEADLINE_MS),
  },
  minTtlSeconds: { key: 'min_ttl', read: seconds(0, 3600) },
  maxTtlSeconds: {
    key: 'max_ttl',
    read: seconds(0, WEEK_SECONDS),
  },
  maxNegativeTtlSeconds: {
    key: 'max_negative_ttl',
    read: seconds(0, DAY_SECONDS),
  },
  failureTtlSeconds: {
    key: 'failure_ttl',
    read: seconds(0, LONGEST_FAILURE_SECONDS),
  },
  maxFailureTtlSeconds: {
    key: 'max_failure_ttl',
    read: seconds(0, LONGEST_FAILURE_SECONDS),
  },
  serveStaleSeconds: {
    key: 'serve_stale',
    read: seconds(0, WEEK_SECONDS),
  },
  prefetchPercent: {
    key: 'prefetch',
    read: percent,
  },
  maxInFlight: {
    key: 'max_in_flight',
    read: wholeNumber(1, 10_000),
  },
  ednsSize: {
    key: 'edns_size',
    read: ednsSize,
  },
}
