import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Limits } from '../../lib/relays/limit-types'
import { startPair, startWorld } from '../support/joined-hosts'
import type { LimitWorld, WorldHost } from '../support/limit-world'
import { needsRedis } from '../support/redis-server'

// The world of these tests fails by itself when a limit is broken.

const SECOND = 1_000
const MINUTE = 60_000

const one: Limits = { key: 'one', maxConnections: 1 }
const three: Limits = { key: 'three', maxConnections: 3 }
const ten: Limits = { key: 'ten', maxPerHour: 10 }
/** More than one call declares. */
const many = Array.from({ length: 1_000 }, (_, index) => ({
  key: `r${index}`,
  maxConnections: 2,
  maxPerHour: 2,
}))
const last = many.at(-1)!

function endAll(host: WorldHost, sent = false): void {
  for (const message of host.messages) host.end(message, sent)
}

/** Redis loses its data, and time passes until this host has made its first calls after that, but has not declared all. */
async function loseDataUntilHeard(world: LimitWorld, { shared }: WorldHost): Promise<void> {
  await world.redis.command('FLUSHALL')
  world.named.splice(0)
  while (!world.named.some((count) => count >= 100)) await world.pass(SECOND / 2, SECOND / 2)
  assert.ok(!shared.isSettled)
}

describe(
  'limits shared between hosts: calls that are late, lost or incomplete',
  { skip: needsRedis() },
  () => {
    it('an empty Redis lends nothing that a silent host may still hold', async (t) => {
      const [world, a, b] = await startPair(t)
      assert.equal(await a.takeAll(three), 3)
      a.cut()
      await world.redis.command('FLUSHALL')
      await world.pass(10 * SECOND, SECOND / 2)
      assert.equal(await b.takeAll(three), 0)
    })

    it('a call that Redis runs long after it was given up has no effect', async (t) => {
      const [world, a, b] = await startPair(t)
      a.faults.push('late')
      await world.pass(SECOND, 50)
      a.cut()
      world.lose()
      await world.pass(MINUTE, SECOND)
      assert.ok((await a.takeAll(three)) > 0)
      await world.find()
      await world.pass(2 * SECOND, SECOND / 4)
      await world.runLate()
      await world.pass(5 * SECOND, SECOND / 4)
      await b.takeAll(three)
      assert.ok(world.count('three').connections <= 3)
    })

    it('a call that Redis runs after a later one of the same host has no effect', async (t) => {
      const [world, a, b] = await startPair(t)
      assert.equal(await a.takeAll(three), 3)
      await world.pass(SECOND, 50)
      a.faults.push('late')
      endAll(a)
      while (a.faults.length > 0) await world.pass(5, 5)
      await world.pass(1_050, 50)
      assert.equal(await a.takeAll(three), 3)
      await world.runLate()
      assert.equal(await b.takeAll(three), 0)
    })

    it('a connection whose reply was lost is free for others', async (t) => {
      const [world, ...hosts] = await startPair(t)
      for (const [index, host] of hosts.entries()) {
        host.faults.push('reply')
        await host.take(one)
        endAll(host)
        await world.pass(5 * SECOND, SECOND / 4)
        const other = hosts[1 - index]!
        assert.equal(await other.takeAll(one), 1)
        endAll(other)
        await world.pass(SECOND, SECOND / 4)
      }
    })

    it('a reserve that a host may still hold counts until the host reports less', async (t) => {
      const [world, a, b] = await startPair(t)
      for (const host of [a, b]) host.know([ten])
      await world.pass(3 * SECOND, SECOND / 4)
      a.faults.push(...Array.from({ length: 10 }, () => 'reply' as const))
      const sent = await b.sendAll(ten, 3 * SECOND)
      assert.ok(sent + (await a.sendAll(ten)) <= 10)
    })

    it('while Redis lends nothing a host may reuse the connections that it holds', async (t) => {
      const [world, a, b] = await startPair(t)
      assert.equal(await a.takeAll(three), 3)
      await world.pass(SECOND, SECOND / 4)
      world.kill(b)
      await world.redis.command('FLUSHALL')
      await world.pass(5 * SECOND, SECOND / 4)
      assert.ok(!a.shared.isSettled)
      endAll(a)
      await world.pass(2 * SECOND, SECOND / 4)
      assert.equal(await a.takeAll(three), 3)
    })

    it('of two waiting hosts the first gets the connection', async (t) => {
      const [world, a, ...others] = await startWorld(t, 2)
      for (let round = 0; round < 6; round++) {
        const first = others[round % 2]!
        const second = others[1 - (round % 2)]!
        assert.ok((await a.take(one)).granted)
        first.wait(one)
        await world.pass(200, 10)
        second.wait(one)
        await world.pass(200, 10)
        endAll(a)
        await world.pass(300, 10)
        assert.deepEqual([first.messages.length, second.messages.length], [1, 0], `round ${round}`)
        endAll(first)
        await world.pass(300, 10)
        assert.equal(second.messages.length, 1)
        endAll(second)
        await world.pass(SECOND, 50)
      }
    })

    it('an empty Redis waits for a host that has not yet reported everything', async (t) => {
      const [world, a, b] = await startPair(t)
      a.know(many)
      await world.pass(5 * SECOND, SECOND / 4)
      assert.equal(await a.takeAll(last), 2)
      await world.redis.command('FLUSHALL')
      await world.pass(7 * SECOND, 3_500)
      assert.equal(await b.takeAll(last), 0)
    })

    it('a host that is gone before it has reported everything may have sent the rest', async (t) => {
      const [world, a, b] = await startPair(t)
      a.know(many)
      await world.pass(5 * SECOND, SECOND / 4)
      assert.equal(await a.sendAll(last), 2)
      await world.pass(SECOND, SECOND / 4)
      await loseDataUntilHeard(world, a)
      world.kill(a)
      assert.equal(await b.sendAll(last, 2 * MINUTE), 0)
    })

    it('a new host gets nothing until the others have heard of it', async (t) => {
      const [world, a, b] = await startPair(t)
      const c = await world.join()
      for (const host of [a, b]) host.faults.push(...Array.from({ length: 20 }, () => 'reply' as const))
      await world.pass(5 * SECOND, SECOND / 4)
      assert.equal(await c.takeAll(three), 0)
    })

    it('a restart frees the connections of the process before, even if the new one asks for none', async (t) => {
      const [world, a, b] = await startPair(t)
      assert.equal(await a.takeAll(three), 3)
      await world.pass(SECOND, SECOND / 4)
      world.kill(a)
      await world.join(a.folder)
      await world.pass(10 * SECOND, SECOND / 4)
      assert.equal(await b.takeAll(three), 3)
    })

    it('a limit that does not change is renewed before Redis forgets it', async (t) => {
      const [world, a, b] = await startPair(t)
      for (const host of [a, b]) host.know([ten])
      await world.pass(10 * SECOND, SECOND / 4)
      world.named.splice(0)
      await world.pass(30 * MINUTE, 5 * SECOND)
      const times = world.named.filter((count) => count > 0).length
      assert.ok(times >= 4 && times <= 8, `${times} times in half an hour`)
    })

    it('while replies are lost Redis is asked once a second, even if a message waits', async (t) => {
      const [world, a, b] = await startPair(t)
      assert.equal(await b.takeAll(three), 3)
      a.wait(three)
      a.faults.push(...Array.from({ length: 200 }, () => 'reply' as const))
      const before = a.faults.length
      await world.pass(5 * SECOND, 50)
      const calls = before - a.faults.length
      assert.ok(calls >= 3 && calls <= 8, `${calls} calls`)
    })
  },
)
