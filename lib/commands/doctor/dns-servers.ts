import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerAddress } from '../../dns/types'
import { formatEndpoint } from '../../model/endpoint'
import type { MxAnswer } from '../../model/dns-answer'
import { toPrintable } from '../../model/printable'
import type { Configuration } from '../../routing/configuration'
import { ok, warning, type Finding } from './finding'

/** Reserved for examples (RFC 2606): every recursive server has an answer. */
const ANY_DOMAIN = 'example.com'
/** The longest wait for all servers, which are asked at once, ms. */
const PATIENCE_MS = 10_000

/** One question to one server, or to those of the system. */
interface ServerQuestion {
  readonly servers: readonly ServerAddress[]
  readonly domain: string
  readonly title: string
}

const titleOf = ({ address, port }: ServerAddress) =>
  `the DNS server ${formatEndpoint({ host: address, port })}`

function questionsOf({ settings }: Configuration): readonly ServerQuestion[] {
  const { dnsServers, dnsZones } = settings
  const general: readonly ServerQuestion[] =
    dnsServers.length === 0
      ? [{ servers: [], domain: ANY_DOMAIN, title: 'the name resolution of the system' }]
      : dnsServers.map((server) => ({ servers: [server], domain: ANY_DOMAIN, title: titleOf(server) }))
  const zones = dnsZones.flatMap(({ domain, servers }) =>
    servers.map((server) => ({ servers: [server], domain, title: `${titleOf(server)} of [zone:${domain}]` })),
  )
  return [...general, ...zones]
}

async function ask(
  { servers, domain }: ServerQuestion,
  { settings }: Configuration,
): Promise<MxAnswer | undefined> {
  const { createResolver } = require('../../dns/resolver') as typeof import('../../dns/resolver')
  const resolver = createResolver({ servers, cacheSize: 0, tuning: settings.dns })
  const stop = new AbortController()
  try {
    const late = sleep(PATIENCE_MS, undefined, { signal: stop.signal }).catch(() => undefined)
    return await Promise.race([resolver.mx(domain), late.then(() => undefined)])
  } finally {
    stop.abort()
    resolver.close()
  }
}

/** Does each DNS server of the file answer? Any answer is good, also that the domain does not exist. */
export async function checkDnsServers(configuration: Configuration): Promise<Finding[]> {
  return Promise.all(
    questionsOf(configuration).map(async (asked) => {
      const answer = await ask(asked, configuration)
      if (answer !== undefined && answer.kind !== 'failed') return ok(`${asked.title} answers`)
      const why =
        answer === undefined ? `no answer within ${PATIENCE_MS / 1000} s` : toPrintable(answer.error.message)
      return warning(
        `${asked.title} does not answer a question about ${asked.domain}: ${why}`,
        asked.servers.length === 0
          ? 'See /etc/resolv.conf, or name servers with dns_servers.'
          : 'See its address and port in the file, whether this machine may ask it, and whether a firewall lets UDP and TCP through.',
      )
    }),
  )
}
