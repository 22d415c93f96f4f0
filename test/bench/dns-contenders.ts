/** Who is compared: our resolver, and node:dns as haraka-net-utils sets it up. */
import type { Resolver as NodeResolver } from 'node:dns/promises'
import { DNS_DEFAULTS } from '../../lib/dns/defaults'
import { createResolver, type Resolver } from '../../lib/dns/resolver'
import type { ResolverOptions } from '../../lib/dns/types'

/** Where a name server of loopback listens, or several in the order in which they are asked. */
type Ports = number | readonly number[]

export function ours(ports: Ports, cacheSize = 1000, tuning: Partial<ResolverOptions> = {}): Resolver {
  return createResolver({
    servers: [ports].flat().map((port) => ({ address: '127.0.0.1', port, transport: 'udp' })),
    cacheSize,
    tuning: { ...DNS_DEFAULTS, ...tuning },
  })
}

/** An exchange as Haraka passes it about. */
export interface StockMx {
  readonly exchange: string
  readonly from_dns?: string
}

export interface Stock {
  /** c-ares, by way of the very resolver that Haraka's `outbound` asks: 25 s, one try, no cache. */
  readonly dns: NodeResolver
  get_mx(domain: string): Promise<StockMx[]>
  resolve_mx_hosts(mxes: readonly StockMx[]): Promise<StockMx[]>
}

export function stock(ports: Ports): Stock {
  const { getDnsResolver } = require('haraka-net-utils/lib/dns_config') as {
    getDnsResolver: () => NodeResolver
  }
  const { get_mx, resolve_mx_hosts } = require('haraka-net-utils/lib/get_mx') as Pick<
    Stock,
    'get_mx' | 'resolve_mx_hosts'
  >
  const dns = getDnsResolver()
  dns.setServers([ports].flat().map((port) => `127.0.0.1:${port}`))
  return { dns, get_mx, resolve_mx_hosts }
}
