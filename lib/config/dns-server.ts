import { isIP } from 'node:net'
import type { ServerAddress } from '../dns/types'
import { toHost } from '../model/domain'
import { formatEndpoint, parseEndpoint, splitBareIPv6 } from '../model/endpoint'
import { list, type Reader } from './values'

const SERVER = 'ip, ip:port, [ipv6], [ipv6]:port or tls://ip[:port][#name]'
const AMBIGUOUS = 'an IPv6 address without brackets may end in a port'
const DNS_PORT = 53
/** DNS over TLS (RFC 7858 section 3.1). */
const TLS_PORT = 853

/** One server as `dns_servers` writes it. */
const dnsServer: Reader<ServerAddress> = (text) => {
  const bad = { ok: false, expected: SERVER } as const
  const [, scheme, rest = ''] = /^(tls:\/\/)?(.*)$/is.exec(text) ?? []
  const transport = scheme === undefined ? 'udp' : 'tls'
  const [place = '', name] = transport === 'tls' ? rest.split(/#(.*)/s) : [rest]
  const tlsName = name === undefined ? undefined : toHost(name)
  if (name !== undefined && (tlsName === undefined || isIP(tlsName) !== 0)) return bad
  const reading = parseEndpoint(place)
  if (!reading.ok || isIP(reading.host) === 0) return bad
  const split = splitBareIPv6(place)
  if (split !== undefined) {
    const [whole, withPort] = [`${scheme ?? ''}[${place}]`, `${scheme ?? ''}${formatEndpoint(split)}`]
    return {
      ok: false,
      problem: AMBIGUOUS,
      expected: `${withPort} for port ${split.port}, or ${whole} for the address`,
    }
  }
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

/** `dns_servers`; blank: none. */
export const dnsServers = list(dnsServer)
