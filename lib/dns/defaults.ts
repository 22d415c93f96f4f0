import type { ResolverOptions } from './types'

const DAY_SECONDS = 86_400

/** What holds where `[dns]` says nothing. */
export const DNS_DEFAULTS: ResolverOptions = {
  order: 'strict',
  timeoutMs: 2000,
  tries: 3,
  deadlineMs: 15_000,
  minTtlSeconds: 0,
  maxTtlSeconds: DAY_SECONDS,
  maxNegativeTtlSeconds: 3600,
  failureTtlSeconds: 1,
  maxFailureTtlSeconds: 300,
  serveStaleSeconds: 0,
  prefetchPercent: 0,
  maxInFlight: 150,
  // The size that fits a datagram everywhere (DNS flag day 2020).
  ednsSize: 1232,
}
