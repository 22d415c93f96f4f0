import type { SectionKind } from '../source/line'
import { DNS_KEYS } from './dns-keys'

/** How the headers are written, for messages and suggestions. */
export const SECTION_NAMES = [
  'overrides',
  'dns',
  'zone:DOMAIN',
  'relay:NAME',
  'direct',
  'direct:NAME',
  'attempts',
  'redis',
  'status',
  'tests',
] as const

/** The keys of each section that has `key = value` lines. */
export const KEYS = {
  top: ['dns_servers', 'dns_cache_size', 'mx_sending_threads'],
  dns: Object.values(DNS_KEYS).map(({ key }) => key),
  zone: ['dns_servers'],
  relay: [
    'host',
    'port',
    'user',
    'password',
    'password_env',
    'password_file',
    'auth_type',
    'tls',
    'tls_cert',
    'tls_key',
    'allow_plaintext_auth',
    'bind',
    'bind_helo',
    'family',
    'next_mx',
    'lmtp',
    'priority',
    'retry_after',
    'max_connections',
    'max_per_hour',
  ],
  direct: [
    'tls',
    'bind',
    'bind_helo',
    'family',
    'next_mx',
    'port',
    'retry_after',
    'max_connections',
    'max_per_hour',
  ],
  // Those of [server] and [opts] in haraka-plugin-redis, and the options of node-redis that it hands on.
  redis: [
    'host',
    'ip',
    'port',
    'path',
    'tls',
    'url',
    'db',
    'database',
    'username',
    'password',
    'prefix',
    'name',
    'connectTimeout',
    'noDelay',
    'keepAlive',
    'reconnectStrategy',
    'commandsQueueMaxLength',
    'pingInterval',
    'RESP',
  ],
  status: ['allow'],
  tests: ['on_reload'],
} as const satisfies Partial<Record<SectionKind, readonly string[]>>

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
