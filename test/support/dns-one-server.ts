import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Resolver } from '../../lib/dns/resolver'
import { ResolveError } from '../../lib/model/errors'
import { FakeClock, testResolver, type TestResolverOptions } from './dns-resolver'
import { startScripted, type Script, type ScriptedServer } from './dns-scripted'
import { mxRecord, RCODES, soaRecord } from './dns-wire'

/** A resolver that asks one server with a script, at a clock of the test. */
export async function resolverWithServer(
  t: TestContext,
  script: Script,
  options: TestResolverOptions = {},
): Promise<{ resolver: Resolver; server: ScriptedServer; clock: FakeClock }> {
  const server = await startScripted(script)
  const clock = new FakeClock()
  const resolver = testResolver([server.server], { now: clock.now, ...options })
  t.after(async () => {
    resolver.close()
    await server.stop()
  })
  return { resolver, server, clock }
}

/** Answers with one MX record of this TTL. */
export const answering =
  (ttl: number): Script =>
  (query) =>
    query.reply({ answers: [mxRecord(query.name, 10, 'mx.example.com', ttl)] })

export const servfail: Script = (query) => query.reply({ rcode: RCODES.SERVFAIL })

/** Answers NXDOMAIN with an SOA record of this TTL and minimum. */
export const nxdomain =
  (ttl: number, minimum: number): Script =>
  (query) =>
    query.reply({ rcode: RCODES.NXDOMAIN, authorities: [soaRecord('', minimum, ttl)] })

/** The question of most tests. */
export const MX = { name: 'example.com', type: 'MX' } as const

/** The error code of a lookup that must fail. */
export async function codeOf(lookup: Promise<unknown>): Promise<string> {
  const error = await lookup.then(
    () => assert.fail('no error'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof ResolveError)
  return error.code
}
