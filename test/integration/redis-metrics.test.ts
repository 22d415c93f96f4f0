import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needsRedis, RedisServer } from '../support/redis-server'
import { fetchUntil, startWithHttp } from '../support/status-server'

test(
  'redis_up is 1, 0 while Redis is down, and 1 again afterwards; it is absent without Redis',
  { skip: needsRedis(), timeout: 600_000 },
  async (t) => {
    const redis = await RedisServer.start(t)
    const start = async (overrides: string) => {
      const { haraka, root } = await startWithHttp({ overrides })
      t.after(() => haraka.close())
      return `${root}/metrics`
    }
    const metrics = await start(redis.section())
    const awaitUp = (value: number) =>
      fetchUntil(metrics, (text) => text.includes(`\nharaka_dns_overrides_redis_up ${value}\n`))
    await awaitUp(1)
    await redis.kill()
    await awaitUp(0)
    await redis.start()
    await awaitUp(1)

    const without = await fetchUntil(await start('* 127.0.0.1:1'), (text) => text.includes('_workers 1'))
    assert.doesNotMatch(without, /redis_up/)
  },
)
