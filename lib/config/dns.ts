import { DNS_DEFAULTS } from '../dns/defaults'
import type { ResolverOptions, ZoneServers } from '../dns/types'
import { DNS_KEYS, type DnsKey } from './dns-keys'
import { dnsServers } from './dns-server'
import { readKeys, readSetting } from './keyed'
import type { Section } from './section'
import type { Report } from '../source/report'

/** The keys of `[zone:DOMAIN]`. */
export const ZONE_KEYS = { dns_servers: dnsServers }

/** Pairs of options of which the first may not be above the second. */
const ORDERED = [
  ['timeoutMs', 'deadlineMs'],
  ['minTtlSeconds', 'maxTtlSeconds'],
  ['failureTtlSeconds', 'maxFailureTtlSeconds'],
] as const

/** Section `[dns]`: every option, from the file or by default. Bad values are reported. */
export function readDns(section: Section | undefined, report: Report): ResolverOptions {
  const options: { -readonly [O in keyof ResolverOptions]: ResolverOptions[O] } = { ...DNS_DEFAULTS }
  const read = <O extends keyof ResolverOptions>(option: O): void => {
    const row: DnsKey<ResolverOptions[O]> = DNS_KEYS[option]
    const setting = section?.settings.get(row.key)
    const value = setting === undefined ? undefined : readSetting(setting, row.read, report)
    if (value !== undefined) options[option] = value
  }
  for (const option of Object.keys(DNS_KEYS) as (keyof ResolverOptions)[]) read(option)
  for (const [low, high] of ORDERED) {
    if (options[low] > options[high]) reportOrder(section, DNS_KEYS[low].key, DNS_KEYS[high].key, report)
  }
  return options
}

function reportOrder(section: Section | undefined, low: string, high: string, report: Report): void {
  const lowSetting = section?.settings.get(low)
  const highSetting = section?.settings.get(high)
  const setting = lowSetting ?? highSetting
  if (setting === undefined) return
  const isBoth = lowSetting !== undefined && highSetting !== undefined
  report.error(setting.source, setting.valueSpan, 'bad-value', `${low} is above ${high}`, {
    expected: `${low} at most ${high}${isBoth ? '' : ' (its default where it is not given)'}`,
  })
}

/** Section `[zone:DOMAIN]`. undefined, and reported, where the domain or its servers are missing. */
export function readZone(section: Section, report: Report): ZoneServers | undefined {
  const { header, name: domain } = section
  const { dns_servers: servers } = readKeys(section, ZONE_KEYS, report)
  const setting = section.settings.get('dns_servers')
  if (header !== undefined && (setting === undefined || setting.value === '')) {
    const { source, span } = setting === undefined ? header : { ...setting, span: setting.keySpan }
    report.error(source, span, 'zone-without-servers', 'this zone has no DNS servers', {
      expected: 'dns_servers = 192.0.2.53',
    })
  }
  return domain === undefined || servers === undefined || servers.length === 0
    ? undefined
    : { domain, servers }
}
