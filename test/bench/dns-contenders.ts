/** Who is compared: our resolver, and node:dns as haraka-net-utils sets it up. */
import type { Resolver as NodeResolver } from 'node:dns/promises'
import { createResolver, type Resolver } from '../../lib/dns/resolver'
import type { ResolverOptions } from '../../lib/dns/types'

/** The plugin's defaults. */
export const TUNING: ResolverOptions = {
  timeout: 2_000,
  tries: 2,
  deadline: 15_000,
  minTtl: 0,
  maxTtl: 86_400,
  maxNegativeTtl: 10_800,
  failureTtl: 1,
  maxFailureTtl: 300,
  serveStale: 0,
  prefetch: 10,
  maxInFlight: 150,
  ednsSize: 1232,
}

export function ours(port: number, cacheSize = 1000): Resolver {
  return createResolver({
    servers: [{ address: '127.0.0.1', port, transport: 'udp' }],
    cacheSize,
    tuning: TUNING,
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

export function stock(port: number): Stock {
  const { getDnsResolver } = require('haraka-net-utils/lib/dns_config') as {
    getDnsResolver: () => NodeResolver
  }
  const { get_mx, resolve_mx_hosts } = require('haraka-net-utils/lib/get_mx') as Pick<
    Stock,
    'get_mx' | 'resolve_mx_hosts'
  >
  const dns = getDnsResolver()
  dns.setServers([`127.0.0.1:${port}`])
  return { dns, get_mx, resolve_mx_hosts }
}
