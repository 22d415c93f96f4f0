import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfiguration, type Configuration } from '../../lib/routing/configuration'
import type { Resolver } from '../../lib/dns/resolver'
import { Live } from '../../lib/haraka/active-configuration'

function configuration(text: string): Configuration {
  const secrets = { env: {}, readFile: () => ({ text: '', mode: 0o600 }) }
  return loadConfiguration(text, { file: 'config/dns_overrides.ini', secrets }).configuration!
}

/** Keeps what a resolver is told; nothing is looked up here. */
function watched(): { live: Live; made: { closed: boolean }[] } {
  const made: { closed: boolean }[] = []
  const live = new Live(() => {
    const resolver = { closed: false, close: () => void (resolver.closed = true) }
    made.push(resolver)
    return resolver as unknown as Resolver
  })
  return { live, made }
}

const ONE = configuration('dns_cache_size = 5\n* a.example')
const OTHER_RULES = configuration('dns_cache_size = 5\n* b.example')
const OTHER_DNS = configuration('dns_cache_size = 6\n* b.example')

test('other rules keep the resolver and its cache, other DNS settings make a new one', async () => {
  const { live, made } = watched()
  live.set(ONE)
  live.set(OTHER_RULES)
  assert.equal(made.length, 1)
  assert.equal(await live.use(async (inForce) => inForce.configuration), OTHER_RULES)
  live.set(OTHER_DNS)
  assert.deepEqual(
    made.map(({ closed }) => closed),
    [true, false],
  )
})

test('a message keeps what it began with, and the old resolver lives until it is done', async () => {
  const { live, made } = watched()
  live.set(ONE)
  let finish: () => void = () => {}
  const wait = new Promise<void>((resolve) => (finish = resolve))
  const message = live.use(async ({ configuration: mine, resolver }) => {
    await wait
    return { mine, closed: (resolver as unknown as { closed: boolean }).closed }
  })
  live.set(OTHER_DNS)
  assert.equal(made[0]!.closed, false)
  finish()
  assert.deepEqual(await message, { mine: ONE, closed: false })
  assert.deepEqual(
    made.map(({ closed }) => closed),
    [true, false],
  )
})

test('a resolver is also given back by a message that fails', async () => {
  const { live, made } = watched()
  live.set(ONE)
  await assert.rejects(
    live.use(() => Promise.reject(new Error('broken'))),
    /broken/,
  )
  live.set(OTHER_DNS)
  assert.equal(made[0]!.closed, true)
})

test('without a configuration there is nothing to work with', async () => {
  const { live } = watched()
  assert.equal(live.configuration, undefined)
  await assert.rejects(
    live.use(async () => 1),
    /no rules in force/,
  )
})
