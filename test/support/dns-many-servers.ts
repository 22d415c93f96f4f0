import type { TestContext } from 'node:test'
import type { Resolver } from '../../lib/dns/resolver'
import { TEST_TUNING, testResolver, type TestResolverOptions } from './dns-resolver'
import { startScripted, type Script, type ScriptedServer } from './dns-scripted'
import { FLAGS, mxRecord, RCODES } from './dns-wire'
import type { Pass } from './stopped-time'

/** Answers with one MX record. */
export const good: Script = (query) => query.reply({ answers: [mxRecord(query.name, 10, 'mx.example.com')] })

export const silent: Script = () => {}

/** Does not answer either, and lets the time for an answer pass at once. For lookups one after the other. */
export const timingOut =
  (pass: Pass, milliseconds = TEST_TUNING.timeoutMs): Script =>
  () =>
    pass(milliseconds)

export const servfail: Script = (query) => query.reply({ rcode: RCODES.SERVFAIL })

/** Answers after a time. */
export const slow =
  (milliseconds: number): Script =>
  (query) =>
    setTimeout(() => good(query), milliseconds)

/** Sends TC over UDP, and nothing over TCP. */
export const cutOverUdp: Script = (query) => {
  if (query.transport === 'udp') query.reply({ flags: FLAGS.QR | FLAGS.TC })
}

/** A resolver without a cache that asks these servers. */
export async function resolverWithServers<const S extends readonly Script[]>(
  t: TestContext,
  scripts: S,
  options: TestResolverOptions = {},
): Promise<{ resolver: Resolver; servers: { [K in keyof S]: ScriptedServer } }> {
  const servers = await Promise.all(scripts.map((script) => startScripted(script)))
  const resolver = testResolver(
    servers.map(({ server }) => server),
    { cacheSize: 0, ...options },
  )
  t.after(async () => {
    resolver.close()
    await Promise.all(servers.map((server) => server.stop()))
  })
  return { resolver, servers: servers as unknown as { [K in keyof S]: ScriptedServer } }
}

/** The kind of the MX answer of a domain, or the code of its failure. */
export const kindOf = async (resolver: Resolver, domain: string): Promise<string> => {
  const answer = await resolver.mx(domain)
  return answer.kind === 'failed' ? answer.error.code : answer.kind
}

/** Queries received by each server. */
export const counts = (servers: readonly ScriptedServer[]) => servers.map(({ queries }) => queries.length)
