import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { RedisConnection } from '../../lib/redis/connection'
import { RedisError } from '../../lib/redis/errors'
import { hashName, PREFIX } from '../../lib/redis/keys'
import { SharedHolds } from '../../lib/redis/shared-holds'
import { type Hold, readHolds, removeHold, writeHold } from '../../lib/relays/holds'
import { connectTo, needsRedis, RedisServer, PATIENT } from '../support/redis-server'
import { until } from '../support/until'

function makeFolder(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'holds-'))
  const folder = join(parent, 'state')
  mkdirSync(folder, { mode: 0o700 })
  t.after(() => rmSync(parent, { recursive: true, force: true }))
  return folder
}

interface HostOptions {
  /** @default a new one */
  readonly folder?: string
  readonly now?: () => number
  /** Are replies lost now? */
  readonly loses?: () => boolean
}

/** A server that shares the holds of its state folder. */
function startServer(
  t: TestContext,
  port: number,
  { folder = makeFolder(t), now = Date.now, loses = () => false }: HostOptions = {},
) {
  const { connection } = connectTo(t, port, {}, PATIENT)
  const losing: RedisConnection = {
    get isReady() {
      return connection.isReady
    },
    isLate: false,
    serial: 1,
    run: async (...question) => {
      const reply = await connection.run(...question)
      if (loses()) throw new RedisError('the reply was lost')
      return reply
    },
    onReady: () => {},
    close: () => {},
  }
  const holds = new SharedHolds({ connection: losing, folder, now, monotonic: () => performance.now() })
  t.after(() => holds.close())
  const stop = () => {
    holds.close()
    connection.close()
  }
  return { folder, stop }
}

/** The state folder of a server that shares its holds. */
const startHost = (t: TestContext, port: number, options?: HostOptions): string =>
  startServer(t, port, options).folder

const holdIn = (folder: string, now = Date.now()) => readHolds(folder, now).get('isp')
const hold: Hold = { name: 'isp', since: 1, until: Date.now() + 3_600_000, reason: 'they block us' }

describe('holds shared between servers', { skip: needsRedis() }, () => {
  it('a hold reaches the other server with reason and end, and so does its removal', async (t) => {
    const redis = await RedisServer.start(t)
    const [a, b] = [startHost(t, redis.port), startHost(t, redis.port)]
    writeHold(a, hold)
    await until(() => holdIn(b) !== undefined, 'the hold')
    const { until: end, ...rest } = holdIn(b)!
    assert.deepEqual(rest, { name: hold.name, since: hold.since, reason: hold.reason })
    assert.ok(Math.abs(end! - hold.until!) < 60_000)
    removeHold(b, 'isp')
    await until(() => holdIn(a) === undefined, 'the end of it')
    assert.equal(holdIn(b), undefined)
    writeHold(b, { ...hold, since: 2 })
    await until(() => holdIn(a)?.since === 2, 'a hold of the same name')
  })

  it('an address in the reason is not shared', async (t) => {
    const redis = await RedisServer.start(t)
    const [a, b] = [startHost(t, redis.port), startHost(t, redis.port)]
    const reason = 'joe@example.com complains'
    writeHold(a, { ...hold, reason })
    await until(() => holdIn(b) !== undefined, 'the hold')
    assert.equal(holdIn(b)?.reason, '... complains')
    const values = (await redis.command('HVALS', `${PREFIX}holds`)) as readonly string[]
    assert.ok(values.length === 1 && !values[0]!.includes('joe'), String(values))
    removeHold(b, 'isp')
    await until(() => holdIn(a) === undefined, 'the end of it')
    writeHold(a, { ...hold, since: 2, reason })
    await until(() => holdIn(b)?.since === 2, 'another hold')
    assert.equal(holdIn(a)?.reason, reason)
  })

  it('a shared reason is not longer than the original', async (t) => {
    const redis = await RedisServer.start(t)
    const [a, b] = [startHost(t, redis.port), startHost(t, redis.port)]
    const reason = '@ '.repeat(100).trim()
    writeHold(a, { ...hold, reason })
    await until(() => holdIn(b) !== undefined, 'the hold')
    assert.match(holdIn(b)!.reason!, /^[. ]{1,200}$/)
    const stored = async () => String(await redis.command('HGET', `${PREFIX}holds`, hashName('isp')))
    const before = await stored()
    // Each of them looks again before it tells another hold.
    writeHold(a, { ...hold, name: 'second' })
    await until(() => readHolds(b, Date.now()).has('second'), 'another hold')
    writeHold(b, { ...hold, name: 'third' })
    await until(() => readHolds(a, Date.now()).has('third'), 'a third hold')
    assert.equal(await stored(), before, 'nobody tells it anew')
    assert.equal(holdIn(a)!.reason, reason)
  })

  it('survives a flush of Redis, and ends on a server that was away', async (t) => {
    const redis = await RedisServer.start(t)
    const a = startHost(t, redis.port)
    writeHold(a, hold)
    await until(async () => Number(await redis.command('HLEN', `${PREFIX}holds`)) === 1, 'the hold')
    await redis.command('FLUSHALL')
    const b = startHost(t, redis.port)
    await until(() => holdIn(b) !== undefined, 'the hold')
    removeHold(a, 'isp')
    await until(() => holdIn(b) === undefined, 'the end of it')
    const away = startHost(t, redis.port)
    writeHold(away, hold)
    await until(() => holdIn(away) === undefined, 'what the others know')
    assert.equal(holdIn(a), undefined)
  })

  it('a change made while Redis was away, before a restart, is sent afterwards', async (t) => {
    const redis = await RedisServer.start(t)
    const a = startServer(t, redis.port)
    const b = startHost(t, redis.port)
    const other: Hold = { name: 'other', since: 1 }
    const otherIn = (folder: string) => readHolds(folder, Date.now()).get('other')
    writeHold(a.folder, other)
    writeHold(a.folder, hold)
    await until(() => holdIn(b) !== undefined && otherIn(b) !== undefined, 'both holds')
    removeHold(b, 'isp')
    await until(() => holdIn(a.folder) === undefined, 'the end of one')
    a.stop()
    writeHold(a.folder, { ...hold, since: 2 })
    removeHold(a.folder, 'other')
    startServer(t, redis.port, a)
    await until(() => holdIn(b)?.since === 2 && otherIn(b) === undefined, 'what has changed')
    assert.equal(holdIn(a.folder)?.since, 2)
    assert.equal(otherIn(a.folder), undefined)
  })

  it('a hold whose reply was lost does not come back after it was resumed elsewhere', async (t) => {
    const redis = await RedisServer.start(t)
    let isLosing = false
    const b = startHost(t, redis.port)
    const a = startHost(t, redis.port, { loses: () => isLosing })
    writeHold(a, { name: 'other', since: 1 })
    await until(() => existsSync(join(a, 'shared-holds')), 'what it has sent')
    isLosing = true
    writeHold(a, hold)
    await until(() => holdIn(b) !== undefined, 'the hold')
    removeHold(b, 'isp')
    const stored = async () => String(await redis.command('HGET', `${PREFIX}holds`, hashName('isp')))
    await until(async () => (await stored()).endsWith(' 0 '), 'its end')
    isLosing = false
    await until(() => holdIn(a) === undefined, 'its end here')
    assert.equal(holdIn(b), undefined)
    assert.match(await stored(), / 0 $/)
  })

  it('a server that has not yet shared anything sends a hold that is newer than the last removal', async (t) => {
    const redis = await RedisServer.start(t)
    const a = startHost(t, redis.port)
    writeHold(a, hold)
    await until(async () => Number(await redis.command('HLEN', `${PREFIX}holds`)) === 1, 'the hold')
    removeHold(a, 'isp')
    const isOver = async () =>
      String(await redis.command('HGET', `${PREFIX}holds`, hashName('isp'))).endsWith(' 0 ')
    await until(isOver, 'its end')
    const folder = makeFolder(t)
    const since = Date.now() + 1
    writeHold(folder, { ...hold, since })
    startHost(t, redis.port, { folder })
    await until(() => holdIn(a)?.since === since, 'the hold')
  })

  it('a hold lasts equally long on a server with a wrong clock, and a clock that jumps does not end it', async (t) => {
    const redis = await RedisServer.start(t)
    let ahead = 3_600_000
    const now = () => Date.now() + ahead
    const [a, b] = [startHost(t, redis.port), startHost(t, redis.port, { now })]
    writeHold(a, { ...hold, until: Date.now() + 600_000 })
    await until(() => holdIn(b, now()) !== undefined, 'the hold')
    const lasts = () => holdIn(b, now())!.until! - now()
    assert.ok(Math.abs(lasts() - 600_000) < 120_000, `${lasts()} ms`)
    ahead += 3_600_000
    assert.equal(holdIn(b, now()), undefined)
    await until(() => holdIn(b, now()) !== undefined, 'the hold after the jump')
    assert.ok(Math.abs(lasts() - 600_000) < 240_000, `${lasts()} ms`)
    assert.ok(holdIn(a) !== undefined)
    writeHold(a, { ...hold, since: 2, until: Date.now() + 600 })
    await until(() => holdIn(b, -Infinity) === undefined && holdIn(a, -Infinity) === undefined, 'its end')
  })

  it('removed holds make room for others', async (t) => {
    const redis = await RedisServer.start(t)
    const past = Array.from({ length: 1_000 }, (_, i) => [
      hashName(`old${i}`),
      `${Date.now() - 1_000 + i} 0 `,
    ])
    await redis.command('HSET', `${PREFIX}holds`, ...past.flat())
    const [a, b] = [startHost(t, redis.port), startHost(t, redis.port)]
    writeHold(a, hold)
    await until(() => holdIn(b) !== undefined, 'the hold')
    assert.equal(await redis.command('HLEN', `${PREFIX}holds`), 1_000)
    assert.equal(await redis.command('HEXISTS', `${PREFIX}holds`, hashName('old0')), 0)
  })

  it('values that no server writes are ignored', async (t) => {
    const redis = await RedisServer.start(t)
    const a = startHost(t, redis.port)
    const field = hashName('isp')
    for (const [index, text] of [
      'rubbish',
      '1 0 {}',
      '1 0 ["other",1,null]',
      '1 0 ["isp","x",null]',
      String.raw`1 0 ["isp",1,"\u001b[2J"]`,
      `1 0 ["isp",1,"${'x'.repeat(300)}"]`,
    ].entries()) {
      // What is read after the rubbish, in the same reply: when that hold is there, the rubbish was seen as well.
      const name = `after${index}`
      const after = `1 0 ${JSON.stringify([name, 1, null])}`
      await redis.command('HSET', `${PREFIX}holds`, field, text, hashName(name), after)
      await until(() => readHolds(a, Date.now()).has(name), 'the hold after it')
      assert.equal(holdIn(a), undefined, text)
      await redis.command('HDEL', `${PREFIX}holds`, field)
    }
    assert.ok(Number(await redis.command('PTTL', `${PREFIX}holds`)) > 0)
  })

  it('a key of another type is replaced, and holds are sent again', async (t) => {
    const redis = await RedisServer.start(t)
    const a = startHost(t, redis.port)
    writeHold(a, hold)
    await until(async () => Number(await redis.command('HLEN', `${PREFIX}holds`)) === 1, 'the hold')
    await redis.command('SET', `${PREFIX}holds`, 'text')
    const b = startHost(t, redis.port)
    await until(() => holdIn(b) !== undefined, 'the hold')
    assert.ok(holdIn(a) !== undefined)
  })
})
