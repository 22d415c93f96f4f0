import type { TestContext } from 'node:test'
import type { Resolver } from '../../lib/dns/resolver'
import type { AddressAnswer } from '../../lib/model/dns-answer'
import { logged, testResolver, type TestResolverOptions } from './dns-resolver'
import { startZone, type ZoneData, type ZoneServer } from './dns-scripted'

/** A resolver that asks one server with a zone, and the lines that it logs. */
export async function resolverWithZone(
  t: TestContext,
  table: Record<string, readonly ZoneData[]>,
  options: TestResolverOptions = {},
): Promise<{ resolver: Resolver; zone: ZoneServer; lines: string[] }> {
  const zone = await startZone(table)
  const { lines, log } = logged()
  const resolver = testResolver([zone.server], { log, ...options })
  t.after(async () => {
    resolver.close()
    await zone.stop()
  })
  return { resolver, zone, lines }
}

/** The addresses of an answer, or its kind or error code. */
export const found = (answer: AddressAnswer): unknown => {
  if (answer.kind === 'failed') return answer.error.code
  return answer.kind === 'addresses' ? answer.addresses.toSorted() : answer.kind
}
