import { readAttempts } from './attempts'
import { readDirect } from './direct'
import { readDns, readZone } from './dns'
import { readKeys } from './keyed'
import type { Section } from './section'
import { readRelay } from './relay'
import type { Report } from '../source/report'
import type { Line } from '../source/line'
import type { RelaySettings, SecretSources, Settings, StatusSettings } from './types'
import { REDIS_KEYS } from './redis-keys'
import { STATUS_KEYS, TESTS_KEYS, TOP_KEYS } from './section-keys'

const DEFAULT_CACHE_SIZE = 1000
/** Without a section `[status]`. */
export const DEFAULT_STATUS: StatusSettings = { allow: ['127.0.0.0/8', '::1/128'], proxies: [] }

/** The settings, and the lines that `rules/` reads, with what they need to be pointed at. */
export interface Sections {
  readonly settings: Settings
  readonly overrides: readonly Line[]
  readonly attempts: readonly Line[]
  readonly tests: readonly Line[]
}

/** Types and checks what `parseFile` gave. Yields now and then. Never throws; with errors in the report, the result is only good for further checks. */
export function* readSettings(
  sections: readonly Section[],
  report: Report,
  secrets: SecretSources,
): Generator<undefined, Sections> {
  const find = (kind: Section['kind']) => sections.find((section) => section.kind === kind)
  const all = (kind: Section['kind']) => sections.filter((section) => section.kind === kind)
  const top = readKeys(find('top'), TOP_KEYS, report)
  const relays: RelaySettings[] = []
  for (const section of all('relay')) {
    yield
    const relay = readRelay(section, report, secrets)
    if (relay !== undefined) relays.push(relay)
  }
  const { direct, directTerms } = readDirect(all('direct'), report)
  reportClashes(all('relay'), all('direct'), report)
  const overrides = joinLists([...all('top'), ...all('overrides')].map(({ lines }) => lines))
  const tests = readKeys(find('tests'), TESTS_KEYS, report)
  const redis = readRedis(find('redis'), report)
  const settings: Settings = {
    dnsServers: top.dns_servers ?? [],
    dnsCacheSize: top.dns_cache_size ?? DEFAULT_CACHE_SIZE,
    ...(top.mx_sending_threads === undefined ? {} : { mxSendingThreads: top.mx_sending_threads }),
    dns: readDns(find('dns'), report),
    dnsZones: all('zone').flatMap((section) => readZone(section, report) ?? []),
    relays,
    direct,
    directTerms,
    attempts: yield* readAttempts(find('attempts'), all('relay').length > 0, report),
    ...(redis === undefined ? {} : { redis }),
    status: readStatus(find('status'), report),
    tests: { onReload: tests.on_reload ?? 'warn' },
  }
  return {
    settings,
    overrides,
    attempts: find('attempts')?.lines ?? [],
    tests: find('tests')?.lines ?? [],
  }
}

/** The lists as one. One that is alone is not copied: it may have 100,000 lines, and to copy them would hold up mail. */
function joinLists<T>(lists: readonly (readonly T[])[]): readonly T[] {
  const full = lists.filter(({ length }) => length > 0)
  return full.length === 1 ? full[0]! : full.flat()
}

/** `@NAME` means one thing. */
function reportClashes(relays: readonly Section[], direct: readonly Section[], report: Report): void {
  for (const { name, header } of direct) {
    const relay = relays.find(
      (other) => name !== undefined && other.name?.toLowerCase() === name.toLowerCase(),
    )
    if (header === undefined || relay?.header === undefined) continue
    report.error(header.source, header.span, 'name-clash', `a relay is called @${name} already`, {
      expected: 'another name',
      related: { line: relay.header.span.line, message: 'the relay' },
    })
  }
}

function readStatus(section: Section | undefined, report: Report): StatusSettings {
  return { ...DEFAULT_STATUS, ...readKeys(section, STATUS_KEYS, report) }
}

function readRedis(section: Section | undefined, report: Report): Settings['redis'] {
  if (section?.header === undefined) return undefined
  return readKeys(section, REDIS_KEYS, report)
}
