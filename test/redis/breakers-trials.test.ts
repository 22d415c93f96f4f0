import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readTroubles } from '../../lib/redis/breakers-reply'
import { TRIAL, TROUBLES } from '../../lib/redis/breakers-script'
import {
  brief,
  failForAll,
  isUsable,
  recordOf,
  startBreakerHost,
  takeTrial,
  tryServer,
} from '../support/breaker-hosts'
import { needsRedis, RedisServer } from '../support/redis-server'
import { until } from '../support/until'

describe('the one trial over processes, when calls and messages overlap', { skip: needsRedis() }, () => {
  it('the end of a message gives up its own trial, not the one that another message has begun', async (t) => {
    const redis = await RedisServer.start(t)
    const [a, b] = [await startBreakerHost(t, redis.port), await startBreakerHost(t, redis.port)]
    await failForAll([a, b], brief)
    const long = await takeTrial(a)
    long.reportSuccess()
    await until(() => b.state.status().every(({ failures }) => failures === 0), 'its success')
    await failForAll([a, b], brief)
    const next = await takeTrial(a)
    await until(() => !isUsable(b, brief), 'the next trial')
    long.end(true)
    const before = a.questions()
    await until(() => a.questions() > before + 2, 'two more rounds')
    assert.equal(await tryServer(b, brief), undefined)
    next.end(false)
    await takeTrial(b)
  })

  it('what Redis said before it gave the trial takes it from nobody', async (t) => {
    const redis = await RedisServer.start(t)
    const seen = { news: false, trial: false }
    let arrive = () => {}
    const arrival = new Promise<void>((done) => (arrive = done))
    const delay = (script: string, reply: unknown) => {
      if (script === TRIAL.name) seen.trial = true
      else if (script !== TROUBLES.name) return undefined
      else if (
        readTroubles(reply).servers.some(({ trouble }) => trouble !== undefined && trouble.trialMs > 0)
      )
        seen.news = true
      else return undefined
      return arrival
    }
    const b = await startBreakerHost(t, redis.port)
    const a = await startBreakerHost(t, redis.port, { delay })
    await failForAll([b, a], brief)
    const trial = await takeTrial(b)
    await until(() => seen.news, 'the news of the trial')
    trial.end(false)
    const isFree = async () => (await recordOf(redis, 'brief.example:25')).split(' ')[3] === '0'
    await until(isFree, 'the end of the trial')
    const first = tryServer(a, brief)
    await until(() => seen.trial, 'the next trial')
    arrive()
    assert.ok((await first) !== undefined)
    assert.ok(!isUsable(a, brief))
    assert.equal(await tryServer(a, brief), undefined)
  })
})
