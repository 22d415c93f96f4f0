import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { hashName, PREFIX } from '../../lib/redis/keys'
import type { Limits } from '../../lib/relays/limit-types'
import { startPair, startWorld } from '../support/joined-hosts'
import type { LimitWorld, WorldHost } from '../support/limit-world'
import { needsRedis } from '../support/redis-server'

// The world of these tests fails by itself when a limit is broken.

const SECOND = 1_000

const one: Limits = { key: 'one', maxConnections: 1 }
const ten: Limits = { key: 'ten', maxPerHour: 10 }
const rows = `${PREFIX}limit:${hashName(one.key)}`

const idOf = ({ folder }: WorldHost) => readFileSync(join(folder, 'host-id'), 'utf8').trim()

/** The place in a row of the time since when the host waits. */
const WAITING = 5

const rowOf = async ({ redis }: LimitWorld, host: WorldHost) =>
  String(await redis.command('HGET', rows, idOf(host))).split(' ')

const writeRow = ({ redis }: LimitWorld, host: WorldHost, row: readonly string[]) =>
  redis.command('HSET', rows, idOf(host), row.join(' '))

/** Two hosts wait for the one connection, one after the other. Then the third, which had it, has given it back. */
async function startWaiting(t: TestContext, order: (hosts: WorldHost[]) => WorldHost[] = (hosts) => hosts) {
  const [world, third, ...others] = await startWorld(t, 2)
  const [first, second] = order(others) as [WorldHost, WorldHost]
  const [, , life] = String(await world.redis.command('HGET', `${PREFIX}hosts`, idOf(third))).split(' ')
  await writeRow(world, third, [
    String(await world.redis.command('GET', 'clock')),
    life!,
    '1',
    '0',
    '0',
    '0',
    '0',
  ])
  for (const host of [first, second]) {
    host.wait(one)
    await world.pass(200, 50)
  }
  assert.deepEqual([first.messages.length, second.messages.length], [0, 0])
  await world.redis.command('HDEL', rows, idOf(third))
  return { world, first, second }
}

describe('limits over hosts: whose turn it is, and what is kept for whom', { skip: needsRedis() }, () => {
  it('the host that has waited longest has the next connection, though another asks before it', async (t) => {
    const { first, second } = await startWaiting(t)
    await second.take(one)
    assert.equal(second.messages.length, 0)
    await first.take(one)
    assert.equal(first.messages.length, 1)
  })

  it('of two that have waited equally long, the one whose name comes first has it', async (t) => {
    const byName = (hosts: WorldHost[]) => hosts.toSorted((x, y) => (idOf(x) < idOf(y) ? -1 : 1))
    const { world, first, second } = await startWaiting(t, byName)
    const since = (await rowOf(world, first))[WAITING]!
    await writeRow(world, second, (await rowOf(world, second)).with(WAITING, since))
    await second.take(one)
    assert.equal(second.messages.length, 0)
    await first.take(one)
    assert.equal(first.messages.length, 1)
  })

  it('a reserve that Redis makes smaller counts in full until the host has heard of it', async (t) => {
    const [world, a, b] = await startPair(t)
    for (const host of [a, b]) host.know([ten])
    await world.pass(3 * SECOND, SECOND / 4)
    for (let i = 0; i < 4; i++) {
      assert.ok((await b.take(ten)).granted)
      for (const message of b.messages) b.end(message, true)
    }
    await world.pass(SECOND, SECOND / 4)
    // It declares a reserve of four, and is left two: half of what is left of the hour.
    a.faults.push(...Array.from({ length: 20 }, () => 'reply' as const))
    assert.ok((await a.take(ten)).granted)
    await world.pass(SECOND, SECOND / 4)
    const more = await b.sendAll(ten, 3 * SECOND)
    assert.equal(await a.sendAll(ten), 4, 'its share, with the one under way')
    assert.equal(more, 1)
  })
})
