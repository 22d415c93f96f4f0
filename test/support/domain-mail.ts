import type { TestContext } from 'node:test'
import { a, mx, startZone, type ZoneData } from './dns-scripted'
import { HarakaServer } from './haraka-server'
import type { RedisServer } from './redis-server'
import { SmtpClient } from './smtp-client'
import { startSink, type Sink } from './smtp-sink'

/** Two servers, two workers each, that send to domains by their MX. */
export interface DomainMail {
  readonly hosts: readonly HarakaServer[]
  readonly sink: Sink
  /** Questions that the DNS server has got. */
  readonly questions: () => number
  /** Sends so many messages by the hosts in turn, one after the other to each domain, and waits until they are delivered. */
  readonly send: (messages: number) => Promise<void>
}

export interface DomainMailOptions {
  readonly domains: number
  /** Absent: nothing is shared. */
  readonly redis?: Pick<RedisServer, 'section'>
}

/** Clients of each server at once. */
const CLIENTS = 4
const PATIENCE_MS = 600_000

/** A domain has two MX hosts of its own: a message needs up to five answers. */
function zoneOf(domains: number): Record<string, readonly ZoneData[]> {
  const names = Array.from({ length: domains }, (_, n) => `d${n}.example`)
  return Object.fromEntries(
    names.flatMap((name) => [
      [name, [mx(10, `mx1.${name}`), mx(20, `mx2.${name}`)]],
      [`mx1.${name}`, [a('127.0.0.1')]],
      [`mx2.${name}`, [a('127.0.0.1')]],
    ]),
  )
}

export async function startDomainMail(
  t: Pick<TestContext, 'after'>,
  { domains, redis }: DomainMailOptions,
): Promise<DomainMail> {
  const zone = await startZone(zoneOf(domains), { ttl: 3_600, negativeTtl: 3_600 })
  t.after(() => zone.stop())
  const sink = await startSink()
  t.after(() => sink.close())
  const overrides = [
    `dns_servers = ${zone.server.address}:${zone.port}`,
    'dns_cache_size = 5000',
    ...(redis === undefined ? [] : [redis.section()]),
    '[direct]',
    `port = ${sink.port}`,
  ].join('\n')
  const start = async () => {
    const haraka = await HarakaServer.start({ nodes: 2, loglevel: 'NOTICE', overrides })
    t.after(() => haraka.close())
    return haraka
  }
  const hosts = await Promise.all([start(), start()])
  return {
    hosts,
    sink,
    questions: () => zone.asked.length,
    send: async (messages) => {
      const wanted = sink.received.length + messages
      let next = 0
      const sendSome = async ({ port }: HarakaServer) => {
        const client = await SmtpClient.open(port)
        while (next < messages) await client.send({ to: `joe@d${next++ % domains}.example` })
        await client.quit()
      }
      await Promise.all(hosts.flatMap((host) => Array.from({ length: CLIENTS }, () => sendSome(host))))
      await hosts[0]!.waitFor(() => sink.received.length >= wanted, `${wanted} messages`, [sink], PATIENCE_MS)
    },
  }
}
