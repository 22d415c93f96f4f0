import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfiguration, type Configuration } from '../../lib/routing/configuration'
import type { Resolver } from '../../lib/dns/resolver'
import { ActiveConfiguration } from '../../lib/haraka/active-configuration'

function configuration(text: string): Configuration {
  const secrets = { env: {}, readFile: () => ({ text: '', mode: 0o600 }) }
  return loadConfiguration(text, { file: 'config/dns_overrides.ini', secrets }).configuration!
}

/** Tells which resolvers were made and closed; nothing is looked up here. */
function trackResolvers(): { active: ActiveConfiguration; made: { closed: boolean }[] } {
  const made: { closed: boolean }[] = []
  const active = new ActiveConfiguration(() => {
    const resolver = { closed: false, close: () => void (resolver.closed = true) }
    made.push(resolver)
    return resolver as unknown as Resolver
  })
  return { active, made }
}

const ONE = configuration('dns_cache_size = 5\n* a.example')
const OTHER_RULES = configuration('dns_cache_size = 5\n* b.example')
const OTHER_DNS = configuration('dns_cache_size = 6\n* b.example')

test('new rules keep the resolver and its cache, new DNS settings make a new one', async () => {
  const { active, made } = trackResolvers()
  active.set(ONE)
  active.set(OTHER_RULES)
  assert.equal(made.length, 1)
  assert.equal(await active.use(async (each) => each.configuration), OTHER_RULES)
  active.set(OTHER_DNS)
  assert.deepEqual(
    made.map(({ closed }) => closed),
    [true, false],
  )
})

test('a message keeps the configuration it began with, and the old resolver lives until it is done', async () => {
  const { active, made } = trackResolvers()
  active.set(ONE)
  let finish: () => void = () => {}
  const wait = new Promise<void>((resolve) => (finish = resolve))
  const message = active.use(async ({ configuration: mine, resolver }) => {
    await wait
    return { mine, closed: (resolver as unknown as { closed: boolean }).closed }
  })
  active.set(OTHER_DNS)
  assert.equal(made[0]!.closed, false)
  finish()
  assert.deepEqual(await message, { mine: ONE, closed: false })
  assert.deepEqual(
    made.map(({ closed }) => closed),
    [true, false],
  )
})

test('a failing message releases its resolver too', async () => {
  const { active, made } = trackResolvers()
  active.set(ONE)
  await assert.rejects(
    active.use(() => Promise.reject(new Error('broken'))),
    /broken/,
  )
  active.set(OTHER_DNS)
  assert.equal(made[0]!.closed, true)
})

test('without a configuration there is nothing to use', async () => {
  const { active } = trackResolvers()
  assert.equal(active.configuration, undefined)
  await assert.rejects(async () => active.use(() => 1), /no rules in force/)
})
