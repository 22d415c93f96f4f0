import type { SectionKind } from '../source/line'
import { DIRECT_KEYS } from './direct'
import { ZONE_KEYS } from './dns'
import { DNS_KEYS } from './dns-keys'
import { RELAY_KEYS } from './relay'
import { REDIS_KEYS } from './redis-keys'
import { STATUS_KEYS, TESTS_KEYS, TOP_KEYS } from './section-keys'

/** The headers, in the order in which messages list them. `argument`: what stands after the `:`. */
const HEADERS: readonly { readonly kind: SectionKind; readonly argument?: string }[] = [
  { kind: 'overrides' },
  { kind: 'dns' },
  { kind: 'zone', argument: 'DOMAIN' },
  { kind: 'relay', argument: 'NAME' },
  { kind: 'direct' },
  { kind: 'direct', argument: 'NAME' },
  { kind: 'attempts' },
  { kind: 'redis' },
  { kind: 'status' },
  { kind: 'tests' },
]

const toTitle = ({ kind, argument }: (typeof HEADERS)[number]) =>
  argument === undefined ? kind : `${kind}:${argument}`

/** How the headers are written, for messages and suggestions. */
export const SECTION_NAMES: readonly string[] = HEADERS.map(toTitle)

/** What a header `[name]` opens, and the text after its `:`. */
export function parseSectionName(name: string): { readonly kind: SectionKind; readonly argument?: string } {
  const [, word = '', argument] = /^([a-z]*)\s*(?::\s*(.*))?$/is.exec(name) ?? []
  const row = HEADERS.find(
    (each) => each.kind === word.toLowerCase() && (each.argument === undefined) === (argument === undefined),
  )
  if (row === undefined) return { kind: 'unknown' }
  return { kind: row.kind, ...(argument === undefined ? {} : { argument }) }
}

/** The keys of each section that has `key = value` lines; each is one row of the table of its section. */
export const KEYS = {
  top: Object.keys(TOP_KEYS),
  dns: Object.values(DNS_KEYS).map(({ key }) => key),
  zone: Object.keys(ZONE_KEYS),
  relay: Object.keys(RELAY_KEYS),
  direct: Object.keys(DIRECT_KEYS),
  redis: Object.keys(REDIS_KEYS),
  status: Object.keys(STATUS_KEYS),
  tests: Object.keys(TESTS_KEYS),
} satisfies Partial<Record<SectionKind, readonly string[]>>

/** A section with `key = value` lines. */
export type KeyedSection = keyof typeof KEYS

/** The key as we spell it, however the file does; undefined if the section has no such key. */
export function knownKey(section: KeyedSection, key: string): string | undefined {
  const folded = key.toLowerCase()
  return KEYS[section].find((known) => known.toLowerCase() === folded)
}

/** The section whose key this is, for the hint at a key in the wrong place. */
export function homeOf(key: string): KeyedSection | undefined {
  return (Object.keys(KEYS) as KeyedSection[]).find((section) => knownKey(section, key) !== undefined)
}

/** Where the keys of a section stand, for messages: `in [zone:DOMAIN]`. */
export function sectionPlace(section: KeyedSection): string {
  const row = HEADERS.find(({ kind }) => kind === section)
  return row === undefined ? 'before the first section header' : `in [${toTitle(row)}]`
}
