import assert from 'node:assert/strict'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { MOST_HOSTS } from '../../lib/redis/limits-hosts-script'
import { hashName, PREFIX } from '../../lib/redis/keys'
import type { Limits } from '../../lib/relays/limit-types'
import { startPair, startWorld } from '../support/joined-hosts'
import { LimitWorld, type WorldHost } from '../support/limit-world'
import { needsRedis } from '../support/redis-server'

// The world of these tests fails by itself when a limit is broken.

const SECOND = 1_000
const MINUTE = 60_000
const HOUR = 60 * MINUTE

const three: Limits = { key: 'three', maxConnections: 3 }
const ten: Limits = { key: 'ten', maxPerHour: 10 }

const sum = (numbers: readonly number[]) => numbers.reduce((all, each) => all + each, 0)

/** All that hosts may begin, one host after the other. */
async function takeAll(hosts: Iterable<WorldHost>, limits: Limits): Promise<number> {
  const taken: number[] = []
  for (const host of hosts) taken.push(await host.takeAll(limits))
  return sum(taken)
}

describe('limits shared between hosts: failures of hosts and of Redis', { skip: needsRedis() }, () => {
  it('a host that has gone counts in full, even if its earlier messages are older than an hour', async (t) => {
    const [world, a, b] = await startPair(t)
    assert.equal(await a.sendAll(ten, 5 * SECOND), 10)
    await world.pass(HOUR + 10 * SECOND)
    for (let i = 0; i < 3; i++) assert.ok((await a.take(ten)).granted)
    await world.pass(2 * SECOND, SECOND / 4)
    world.kill(a)
    await world.pass(40 * SECOND, SECOND)
    const sent = await b.sendAll(ten, 30 * SECOND)
    assert.ok(sent >= 3 && sent <= 7, `${sent} of the 7 that are left`)
    await world.pass(2 * HOUR)
    assert.equal(await b.sendAll(ten, 5 * SECOND), 10)
  })

  it('messages of a host that has gone are forgotten after an hour', async (t) => {
    const [world, a, b] = await startPair(t)
    assert.equal(await a.sendAll(ten, 5 * SECOND), 10)
    await world.pass(10 * SECOND, SECOND)
    world.kill(a)
    await world.pass(59 * MINUTE)
    assert.equal(await b.sendAll(ten), 0)
    await world.pass(2 * MINUTE)
    assert.equal(await b.sendAll(ten), 10)
  })

  it('a host that dies frees its connections within a minute, and its possible messages count as sent', async (t) => {
    const [world, a, b] = await startPair(t)
    const limits = { key: 'isp', maxConnections: 2, maxPerHour: 5 }
    assert.equal(await a.takeAll(limits), 2)
    await world.pass(SECOND)
    world.kill(a)
    await world.pass(28 * SECOND, SECOND)
    assert.ok(!(await b.take(limits)).granted, 'it may be alive')
    await world.pass(3 * SECOND, SECOND)
    assert.equal(await b.takeAll(limits), 2)
    for (const message of b.messages) b.end(message, true)
    const refused = await b.take(limits)
    assert.ok(
      !refused.granted && refused.why === 'quota',
      'two of five were under way, and it might have begun another',
    )
    await world.pass(HOUR + MINUTE)
    assert.equal(await b.sendAll(limits), 5)
  })

  it('a host that restarts is the same host, and its earlier connections are free', async (t) => {
    const [world, a, b] = await startPair(t)
    assert.equal(await a.takeAll(three), 3)
    await world.pass(SECOND)
    world.kill(a)
    const again = await world.join(a.folder)
    await world.pass(5 * SECOND, SECOND / 4)
    assert.deepEqual([again.shared.hosts, b.shared.hosts], [2, 2])
    assert.equal(await again.takeAll(three), 3)
  })

  it('an empty Redis lends no messages until all hosts have reported, or for an hour', async (t) => {
    const [world, a, b] = await startPair(t)
    assert.equal(await a.sendAll(ten, 5 * SECOND), 10)
    await world.pass(5 * SECOND)
    world.kill(a)
    await world.redis.command('FLUSHALL')
    assert.equal(await b.sendAll(ten, 2 * MINUTE), 0)
    await world.pass(50 * MINUTE)
    assert.equal(await b.sendAll(ten, 5 * SECOND), 0)
    await world.pass(15 * MINUTE)
    assert.equal(await b.sendAll(ten, 5 * SECOND), 10)
  })

  it('an empty Redis lends connections and messages as soon as all hosts have reported', async (t) => {
    const [world, a, b] = await startPair(t)
    assert.equal(await a.takeAll(three), 3)
    assert.equal(await a.sendAll(ten, 5 * SECOND), 10)
    await world.redis.command('FLUSHALL')
    await world.pass(5 * SECOND, SECOND / 4)
    assert.equal(await takeAll([a, b], three), 0)
    for (const message of a.messages) a.end(message, true)
    await world.pass(SECOND, 50)
    assert.equal(await b.takeAll(three), 3)
    assert.equal(await b.sendAll(ten), 0)
  })

  it('messages sent while Redis was down count, even if their host is gone when Redis is back', async (t) => {
    const [world, a, b] = await startPair(t)
    for (const host of [a, b]) host.know([ten])
    await world.pass(3 * SECOND, SECOND / 4)
    world.lose()
    await world.pass(3 * SECOND, SECOND)
    assert.equal(await a.sendAll(ten), 5)
    world.kill(a)
    await world.find()
    assert.equal(await b.sendAll(ten, MINUTE), 5)
    await world.pass(20 * MINUTE)
    assert.equal(await b.sendAll(ten, 5 * SECOND), 0)
    await world.pass(HOUR)
    assert.equal(await b.sendAll(ten, 5 * SECOND), 10)
  })

  it('hosts that restart without Redis have their shares, and together never exceed the limit', async (t) => {
    const [world, ...before] = await startPair(t)
    for (const host of before) host.know([ten])
    await world.pass(3 * SECOND, SECOND / 4)
    world.lose()
    await world.pass(3 * SECOND, SECOND)
    assert.equal(await before[0].sendAll(ten), 5)
    for (const host of before) world.kill(host)
    const hosts = [await world.join(before[0].folder), await world.join(before[1].folder)] as const
    assert.equal(await takeAll(hosts, three), 0, 'others may still have connections')
    assert.equal(await hosts[0].sendAll(ten), 0)
    assert.equal(await hosts[1].sendAll(ten), 5, 'it had them when Redis was lost')
    await world.pass(40 * SECOND)
    assert.equal(await takeAll(hosts, three), 3)
    await world.pass(HOUR + MINUTE)
    assert.equal(await takeAll(hosts, ten), 10)
  })

  it('a host that restarts without Redis a day after its last contact waits for Redis', async (t) => {
    const [world, a, b] = await startPair(t)
    world.kill(a)
    await world.pass(25 * HOUR)
    assert.equal(await b.takeAll(three), 3)
    world.lose()
    const again = await world.join(a.folder)
    await world.pass(MINUTE)
    assert.equal(await again.takeAll(three), 0)
    assert.equal(await b.takeAll(three), 3, 'all of it: the first three have ended')
    for (const message of b.messages) b.end(message, true)
    await world.find()
    await world.pass(10 * SECOND, SECOND / 2)
    assert.equal(await again.takeAll(three), 3)
  })

  it('a host that has never reached Redis waits for it, and then has the limits for itself', async (t) => {
    const world = await LimitWorld.start(t)
    world.lose()
    const host = await world.join()
    assert.deepEqual(await host.take(three), { granted: false, why: 'unknown' })
    await world.pass(SECOND + 1, 100)
    assert.equal((await host.takeAll(three)) + host.messages.length, 3 + 2, 'two, and the one that waited')
    await world.find()
    const other = await world.join()
    await world.pass(10 * SECOND, SECOND / 2)
    assert.equal(await other.takeAll(three), 0, 'what is under way counts')
  })

  it('a new host has no share until all others know of it, whenever Redis is lost', async (t) => {
    for (const afterMs of [100, 500, 1_000, 1_500, 2_000, 3_000, 8_000]) {
      const [world, a] = await startWorld(t, 0)
      const b = await world.join()
      await world.pass(afterMs, 100)
      world.lose()
      await world.pass(MINUTE, SECOND)
      const connections = [await a.takeAll(three), await b.takeAll(three)]
      assert.ok(sum(connections) <= 3 && connections[0]! > 0, `${connections.join()} after ${afterMs} ms`)
      assert.ok(afterMs < 8_000 || sum(connections) === 3, `${connections.join()} after ${afterMs} ms`)
      await world.pass(HOUR + MINUTE)
      const messages = [await a.takeAll(ten), await b.takeAll(ten)]
      assert.ok(sum(messages) <= 10 && messages[0]! >= 5, `${messages.join()} after ${afterMs} ms`)
    }
  })

  it('reserves of idle hosts are released within seconds to a host that needs them', async (t) => {
    const [world, ...hosts] = await startWorld(t, 2)
    for (const host of hosts) host.know([ten])
    await world.pass(3 * SECOND, SECOND / 4)
    const sent = await hosts[0].sendAll(ten)
    assert.ok(sent < 10, String(sent))
    const refused = await hosts[0].take(ten)
    assert.ok(
      !refused.granted && refused.why === 'quota' && refused.waitMs <= 2 * SECOND,
      JSON.stringify(refused),
    )
    const rest = await hosts[0].sendAll(ten, 8 * SECOND)
    assert.equal(sent + rest, 10)
    const over = await hosts[0].take(ten)
    assert.ok(!over.granted && over.why === 'quota' && over.waitMs > 58 * MINUTE, JSON.stringify(over))
  })

  it('a call names only the limit that it is about', async (t) => {
    const [world, a, b] = await startPair(t)
    const many = Array.from({ length: 1_000 }, (_, index) => ({
      key: `r${index}`,
      maxConnections: 2,
      maxPerHour: 100,
    }))
    for (const host of [a, b]) host.know(many)
    await world.pass(5 * SECOND, SECOND / 4)
    world.named.splice(0)
    for (let i = 0; i < 5; i++) {
      assert.ok((await a.take(many[i]!)).granted)
      await world.pass(SECOND, 100)
    }
    assert.ok(world.named.length > 5 && Math.max(...world.named) <= 5, world.named.join())
    world.named.splice(0)
    await world.find()
    await world.pass(5 * SECOND, SECOND / 4)
    assert.ok(sum(world.named) >= 2_000, 'all of them to another Redis')
  })

  it('Redis ignores a call that its host has given up', async (t) => {
    const [world, a, b] = await startPair(t)
    a.faults.push('late')
    await world.pass(SECOND)
    world.lose()
    await world.pass(MINUTE)
    assert.ok((await a.takeAll(three)) > 0)
    await world.runLate()
    await world.find()
    await world.pass(5 * SECOND, SECOND / 4)
    await b.takeAll(three)
    assert.equal(world.count('three').connections, 3)
  })

  it('servers with a new name at each start do not fill the list of hosts', async (t) => {
    const [world, a] = await startWorld(t, 0)
    const heard = Number(await world.redis.command('GET', 'clock'))
    const gone = (n: number) => [
      `gone${String(n).padStart(18, '0')}`,
      `${heard - 60_000 - n} ${heard - 60_000 - n} 1 0 1 1 0 0 0 1 i name`,
    ]
    const rows = Array.from({ length: 600 }, (_, n) => gone(n))
    await world.redis.command('HSET', `${PREFIX}hosts`, ...rows.flat())
    const b = await world.join()
    await world.pass(10 * SECOND, SECOND / 2)
    assert.ok(a.shared.isSettled && b.shared.isSettled)
    assert.deepEqual([a.shared.hosts, b.shared.hosts], [2, 2])
    assert.ok(
      Number(await world.redis.command('HLEN', `${PREFIX}hosts`)) <= MOST_HOSTS + 1,
      'with a row of its own',
    )
    assert.equal((await a.takeAll(three)) + (await b.takeAll(three)), 3)
  })

  it('a copy of a machine takes another name, and is never mistaken for the first', async (t) => {
    const [world, a] = await startWorld(t, 0)
    assert.equal(await a.takeAll(three), 3)
    const folder = world.newFolder()
    cpSync(a.folder, folder, { recursive: true })
    const copy = await world.join(folder)
    for (let i = 0; i < 20; i++) {
      assert.equal(await copy.takeAll(three), 0)
      await world.pass(SECOND, SECOND / 4)
    }
    for (const { shared } of [a, copy]) assert.equal(shared.hosts, 2)
    const idOf = (host: WorldHost) => readFileSync(join(host.folder, 'host-id'), 'utf8')
    assert.notEqual(idOf(a), idOf(copy))
  })

  it('a copy of a machine has no share until it has reached Redis', async (t) => {
    const [world, a] = await startWorld(t, 0)
    world.lose()
    const folder = world.newFolder()
    cpSync(a.folder, folder, { recursive: true })
    const copy = await world.join(folder)
    await world.pass(MINUTE, SECOND)
    assert.equal(await copy.takeAll(three), 0)
    assert.equal(await a.takeAll(three), 3)
  })

  it('a key of another type is replaced', async (t) => {
    const [world, a, b] = await startPair(t)
    for (const kind of ['limit', 'hours']) {
      assert.ok((await a.take({ ...ten, maxConnections: 1 })).granted)
      const key = `${PREFIX}${kind}:${hashName(ten.key)}`
      await world.redis.command('SET', key, 'rubbish')
      assert.ok(!(await b.take({ ...ten, maxConnections: 1 })).granted)
      for (const message of a.messages) a.end(message, false)
      await world.pass(MINUTE, SECOND)
      assert.ok((await b.take({ ...ten, maxConnections: 1 })).granted, kind)
      assert.notEqual(await world.redis.command('TYPE', key), 'string')
      for (const message of b.messages) b.end(message, false)
      await world.pass(5 * SECOND, SECOND)
    }
    for (const key of ['hosts', 'short']) await world.redis.command('SET', `${PREFIX}${key}`, 'rubbish')
    await world.pass(10 * SECOND, SECOND / 2)
    assert.ok(a.shared.isSettled && b.shared.isSettled)
  })
})
