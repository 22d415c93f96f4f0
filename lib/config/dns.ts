import { isIP } from 'node:net'
import type { ResolverOptions, ServerAddress } from '../dns/types'
import { toHost } from '../model/domain'
import { parseEndpoint } from '../model/endpoint'
import { readKeys } from './keyed'
import type { Section } from './parse'
import type { Report } from '../source/report'
import { duration, list, percent, seconds, wholeNumber, type Reader } from './values'

const SERVER = 'ip, ip:port, [ipv6], [ipv6]:port or tls://ip[:port][#name]'
const DNS_PORT = 53
/** DNS over TLS (RFC 7858 section 3.1). */
const TLS_PORT = 853

/** One server as `dns_servers` writes it. */
export const dnsServer: Reader<ServerAddress> = (text) => {
  const bad = { ok: false, expected: SERVER } as const
  const [, scheme, rest = ''] = /^(tls:\/\/)?(.*)$/is.exec(text) ?? []
  const transport = scheme === undefined ? 'udp' : 'tls'
  const [place = '', name] = transport === 'tls' ? rest.split(/#(.*)/s) : [rest]
  const tlsName = name === undefined ? undefined : toHost(name)
  if (name !== undefined && (tlsName === undefined || isIP(tlsName) !== 0)) return bad
  const reading = parseEndpoint(place)
  if (!reading.ok || isIP(reading.host) === 0) return bad
  return {
    ok: true,
    value: {
      address: reading.host,
      port: reading.port ?? (transport === 'tls' ? TLS_PORT : DNS_PORT),
      transport,
      ...(tlsName === undefined ? {} : { tlsName }),
    },
  }
}

export const dnsServers = list(dnsServer)

const DAY = 86_400
const WEEK = 7 * DAY

/** Haraka gives a hook 30 s (`plugin_timeout`); address lookups and other plugins want their part of it. */
const LONGEST_DEADLINE = 25_000

const READERS = {
  timeout: duration(50, 20_000),
  tries: wholeNumber(1, 10),
  deadline: duration(100, LONGEST_DEADLINE),
  min_ttl: seconds(0, 3600),
  max_ttl: seconds(0, WEEK),
  max_negative_ttl: seconds(0, DAY),
  failure_ttl: seconds(0, 300),
  // RFC 9520 3.2: a failure must not be remembered for longer than five minutes.
  max_failure_ttl: seconds(0, 300),
  serve_stale: seconds(0, WEEK),
  prefetch: percent,
  max_in_flight: wholeNumber(1, 10_000),
  edns_size: (text: string) => {
    const expected = 'a size from 512 to 4096, or 0 for no EDNS'
    const value = Number(text)
    const ok = /^\d+$/.test(text) && (value === 0 || (value >= 512 && value <= 4096))
    return ok ? ({ ok, value } as const) : ({ ok, expected } as const)
  },
}

/** What holds where `[dns]` says nothing. */
export const DNS_DEFAULTS: ResolverOptions = {
  timeout: 2000,
  tries: 3,
  deadline: 15_000,
  minTtl: 0,
  maxTtl: DAY,
  maxNegativeTtl: 3600,
  failureTtl: 1,
  maxFailureTtl: 300,
  serveStale: 0,
  prefetch: 0,
  maxInFlight: 150,
  ednsSize: 1232,
}

/** Pairs of which the first may not be above the second. */
const ORDER = [
  ['timeout', 'deadline'],
  ['min_ttl', 'max_ttl'],
  ['failure_ttl', 'max_failure_ttl'],
] as const

/** Section `[dns]`. */
export function readDns(section: Section | undefined, report: Report): ResolverOptions {
  const values = readKeys(section, READERS, report)
  const d = DNS_DEFAULTS
  const options: ResolverOptions = {
    timeout: values.timeout ?? d.timeout,
    tries: values.tries ?? d.tries,
    deadline: values.deadline ?? d.deadline,
    minTtl: values.min_ttl ?? d.minTtl,
    maxTtl: values.max_ttl ?? d.maxTtl,
    maxNegativeTtl: values.max_negative_ttl ?? d.maxNegativeTtl,
    failureTtl: values.failure_ttl ?? d.failureTtl,
    maxFailureTtl: values.max_failure_ttl ?? d.maxFailureTtl,
    serveStale: values.serve_stale ?? d.serveStale,
    prefetch: values.prefetch ?? d.prefetch,
    maxInFlight: values.max_in_flight ?? d.maxInFlight,
    ednsSize: values.edns_size ?? d.ednsSize,
  }
  const effective = {
    timeout: options.timeout,
    deadline: options.deadline,
    min_ttl: options.minTtl,
    max_ttl: options.maxTtl,
    failure_ttl: options.failureTtl,
    max_failure_ttl: options.maxFailureTtl,
  }
  for (const [low, high] of ORDER) {
    const setting = section?.settings.get(low) ?? section?.settings.get(high)
    if (setting === undefined || effective[low] <= effective[high]) continue
    const other =
      section?.settings.has(high) && section.settings.has(low) ? '' : ' (its default where it is not given)'
    report.error(setting.source, setting.valueSpan, 'bad-value', `${low} is above ${high}`, {
      expected: `${low} at most ${high}${other}`,
    })
  }
  return options
}
