import { isIP } from 'node:net'
import { dnsServers } from './dns-server'
import { oneOf, wholeNumber, type Reader } from './values'

/** The keys before the first header. */
export const TOP_KEYS = {
  dns_servers: dnsServers,
  dns_cache_size: wholeNumber(0, 10_000_000),
  mx_sending_threads: wholeNumber(1, 1_000_000),
}

/** Addresses and CIDR blocks between commas or blanks. */
const allowList: Reader<readonly string[]> = (value) => {
  const parts = value.split(/[\s,]+/).filter((part) => part !== '')
  const good = parts.every((part) => {
    const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(part) ?? []
    const family = isIP(address)
    return family !== 0 && (bits === undefined || Number(bits) <= (family === 4 ? 32 : 128))
  })
  const expected = 'addresses and networks such as 127.0.0.1, ::1, 192.0.2.0/24'
  return good && parts.length > 0 ? { ok: true, value: parts } : { ok: false, expected }
}

/** The keys of `[status]`. */
export const STATUS_KEYS = { allow: allowList, proxies: allowList }

/** The keys of `[tests]`. */
export const TESTS_KEYS = { on_reload: oneOf('warn', 'refuse', 'ignore') }
