import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { hashName, PREFIX } from '../../lib/redis/keys'
import { SharedHolds } from '../../lib/redis/shared-holds'
import { type Hold, readHolds, removeHold, writeHold } from '../../lib/relays/holds'
import { connectTo, needsRedis, RedisServer, until, PATIENT } from '../support/redis-server'

/** The state folder of a server that shares its holds. */
function startHost(t: TestContext, port: number): string {
  const parent = mkdtempSync(join(tmpdir(), 'holds-'))
  const folder = join(parent, 'state')
  mkdirSync(folder, { mode: 0o700 })
  const holds = new SharedHolds({
    connection: connectTo(t, port, {}, PATIENT).connection,
    folder,
    now: Date.now,
  })
  t.after(() => {
    holds.close()
    rmSync(parent, { recursive: true, force: true })
  })
  return folder
}

const holdIn = (folder: string) => readHolds(folder, Date.now()).get('isp')
const hold: Hold = { name: 'isp', since: 1, until: Date.now() + 3_600_000, reason: 'they block us' }

describe('holds over servers', { skip: needsRedis() }, () => {
  it('a hold of one is one of the other within a second, with its reason and end, and so is its end', async (t) => {
    const redis = await RedisServer.start(t)
    const [a, b] = [startHost(t, redis.port), startHost(t, redis.port)]
    writeHold(a, hold)
    await until(() => holdIn(b) !== undefined, 'the hold')
    assert.deepEqual(holdIn(b), hold)
    removeHold(b, 'isp')
    await until(() => holdIn(a) === undefined, 'the end of it')
    assert.equal(holdIn(b), undefined)
    writeHold(b, { ...hold, since: 2 })
    await until(() => holdIn(a)?.since === 2, 'a hold of the same name')
  })

  it('an address in the reason stays on the server where it was written', async (t) => {
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

  it('survives a Redis that has forgotten it, and a server that was away when it ended', async (t) => {
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

  it('what no server writes is not believed', async (t) => {
    const redis = await RedisServer.start(t)
    const a = startHost(t, redis.port)
    const field = hashName('isp')
    for (const [index, text] of [
      'rubbish',
      '1 {}',
      '1 ["other",1,null,null]',
      '1 ["isp","x",null,null]',
      String.raw`1 ["isp",1,null,"\u001b[2J"]`,
    ].entries()) {
      // What is read after the rubbish, in the same reply: when that hold is there, the rubbish was seen as well.
      const name = `after${index}`
      const after = `1 ${JSON.stringify([name, 1, null, null])}`
      await redis.command('HSET', `${PREFIX}holds`, field, text, hashName(name), after)
      await until(() => readHolds(a, Date.now()).has(name), 'the hold after it')
      assert.equal(holdIn(a), undefined, text)
      await redis.command('HDEL', `${PREFIX}holds`, field)
    }
    assert.ok(Number(await redis.command('PTTL', `${PREFIX}holds`)) > 0)
  })
})
