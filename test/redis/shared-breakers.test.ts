import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Secret } from '../../lib/model/secret'
import { SharedRotation } from '../../lib/redis/shared-rotation'
import { LocalRotation } from '../../lib/relays/rotation'
import type { Lease } from '../../lib/relays/types'
import { MOST_TROUBLES, TROUBLES } from '../../lib/redis/breakers-script'
import { hashName } from '../../lib/redis/keys'
import {
  BREAKERS_KEY,
  brief,
  failAt,
  hostsOf,
  isp,
  isUsable,
  recordOf,
  startBreakerHost,
  takeTrial,
  tryServer,
  type BreakerHost,
} from '../support/breaker-hosts'
import { connectTo, needsRedis, PATIENT, RedisServer, startPatient } from '../support/redis-server'
import { relayExchange, termsExchange } from '../support/servers'
import { until } from '../support/until'

describe('breakers shared between processes', { skip: needsRedis() }, () => {
  it('a failure of one process opens the breaker of all, also of later ones, and a success closes it', async (t) => {
    const redis = await RedisServer.start(t)
    const [a, b] = [await startBreakerHost(t, redis.port), await startBreakerHost(t, redis.port)]
    ;(await tryServer(b, isp))!.end(true)
    await failAt(a, isp)
    await until(() => !isUsable(b), 'the breaker')
    const [here, there] = [a.state.look(isp), b.state.look(isp)]
    assert.ok(!here.usable && !there.usable)
    // The ends are as far apart as b was informed later.
    const [hereText, thereText] = [here, there].map(({ message }) => message.replace(/[\d:]{8} UTC/, ''))
    assert.equal(thereText, hereText)
    const apartMs = there.until! - here.until!
    assert.ok(apartMs > -1_000 && apartMs < 60_000, `${apartMs} ms`)
    const late = await startBreakerHost(t, redis.port)
    await until(() => !isUsable(late), 'the breaker')
    assert.deepEqual(
      late.state.status().map(({ name, breaker, lastFailure }) => [name, breaker, lastFailure]),
      [['isp', 'open', 'refused']],
    )
    const lastResort = await b.state.acquire(isp, { lastResort: true })
    assert.ok(!('usable' in lastResort))
    lastResort.reportSuccess()
    lastResort.end(true)
    await until(() => isUsable(a) && isUsable(late), 'its end')
    assert.deepEqual(a.said, [])
    assert.deepEqual(b.logged, ['relay isp works again'])
  })

  it('an open breaker of a relay in the configuration is known before the first message', async (t) => {
    const redis = await RedisServer.start(t)
    const [a, b] = [await startBreakerHost(t, redis.port), await startBreakerHost(t, redis.port)]
    const other = relayExchange({ host: 'other.example', name: 'other' })
    b.state.know([isp, other])
    await failAt(a, isp)
    await failAt(a, other)
    const shown = ({ state }: BreakerHost) => state.status().filter(({ breaker }) => breaker === 'open')
    await until(() => shown(b).length === 2, 'what a knows')
    const late = await startBreakerHost(t, redis.port)
    await until(() => !isUsable(late), 'the breaker')
    late.state.know([other])
    assert.deepEqual(
      shown(late).map(({ name }) => name),
      ['isp', 'other'],
    )
  })

  it('one of ten processes tries a server after the pause, and a failure doubles the pause for all', async (t) => {
    const redis = await RedisServer.start(t)
    const hosts = await hostsOf(10, () => startBreakerHost(t, redis.port))
    const exchange = relayExchange({ host: 'smtp.example', name: 'isp', retryAfterMs: 1_000 })
    for (const { state } of hosts) state.know([exchange])
    await failAt(hosts[0]!, exchange)
    await until(() => hosts.every(({ state }) => state.status()[0]?.failures === 1), 'the failure')
    const leases: Lease[] = []
    // If Redis was informed late of the failure, the pause ends later for Redis than for the processes.
    await until(async () => {
      const tried = await Promise.all(hosts.map((host) => tryServer(host, exchange)))
      leases.push(...tried.filter((lease) => lease !== undefined))
      return leases.length > 0
    }, 'the trial')
    assert.equal(leases.length, 1)
    leases[0]!.reportFailure({ stage: 'connect', message: 'still refused' })
    leases[0]!.end(false)
    await until(() => hosts.every(({ state }) => state.status()[0]?.failures === 2), 'the second failure')
    const [failures, pauseMs] = (await recordOf(redis, 'smtp.example:25')).split(' ')
    assert.deepEqual([failures, pauseMs], ['2', '2000'])
  })

  it('a trial without a result is free for the next process, and so is the trial of a process that died', async (t) => {
    const redis = await RedisServer.start(t)
    const [a, b] = [await startBreakerHost(t, redis.port), await startBreakerHost(t, redis.port)]
    await failAt(a, brief)
    const trial = await takeTrial(a)
    await until(() => !isUsable(b, brief), 'the trial')
    assert.equal(await tryServer(b, brief), undefined)
    const refused = b.state.look(brief)
    assert.ok(!refused.usable)
    assert.equal(refused.message, 'relay brief is being tried by another message after: refused')
    trial.end(false)
    const next = await takeTrial(b)
    b.die()
    next.end(false)
    assert.equal(await tryServer(a, brief), undefined)
    // As if the lease were over.
    const [failures, pause, till, , ...rest] = (await recordOf(redis, 'brief.example:25')).split(' ')
    await redis.command(
      'HSET',
      BREAKERS_KEY,
      hashName('brief.example:25'),
      [failures, pause, till, Date.now() - 1, ...rest].join(' '),
    )
    const c = await startBreakerHost(t, redis.port)
    await takeTrial(c)
  })

  it('a trial that is granted late and no longer needed is free for others', async (t) => {
    const redis = await RedisServer.start(t)
    const patience = startPatient()
    const [a, b] = [
      await startBreakerHost(t, redis.port, { patience }),
      await startBreakerHost(t, redis.port),
    ]
    await failAt(a, brief)
    await until(() => isUsable(a, brief), 'the end of the pause')
    process.kill(redis.pid, 'SIGSTOP')
    patience.patienceMs = 100
    assert.equal(await tryServer(a, brief), undefined)
    process.kill(redis.pid, 'SIGCONT')
    await takeTrial(b)
  })

  it('a failure that is sent while the trial is requested does not free it', async (t) => {
    const redis = await RedisServer.start(t)
    const [a, b] = [await startBreakerHost(t, redis.port), await startBreakerHost(t, redis.port)]
    await failAt(a, brief)
    // In the same turn of the event loop: the failure is not sent yet.
    while (!isUsable(a, brief));
    const asked = a.questions()
    const lease = await tryServer(a, brief)
    assert.ok(lease !== undefined)
    await until(() => a.questions() > asked + 2, 'the failure')
    await until(() => !isUsable(b, brief), 'the trial')
    assert.equal(await tryServer(b, brief), undefined)
  })

  it('a process keeps the trial for as long as it takes', async (t) => {
    const redis = await RedisServer.start(t)
    const a = await startBreakerHost(t, redis.port)
    await failAt(a, brief)
    await takeTrial(a)
    const untilOf = async () => Number((await recordOf(redis, 'brief.example:25')).split(' ')[3])
    const first = await untilOf()
    await until(async () => (await untilOf()) > first, 'the renewal')
  })

  it('a process keeps very many trials, even if they do not fit in one call', async (t) => {
    const redis = await RedisServer.start(t)
    const a = await startBreakerHost(t, redis.port, { speed: 20 })
    const exchanges = Array.from({ length: 250 }, (_, i) =>
      termsExchange('ms', `h${i}.example`, { retryAfterMs: 1 }),
    )
    for (const exchange of exchanges) await failAt(a, exchange)
    await until(() => exchanges.every((exchange) => isUsable(a, exchange)), 'the end of the pauses')
    // If Redis was informed late of a failure, the pause ends later for Redis than for the process.
    await Promise.all(
      exchanges.map((exchange) => until(async () => (await tryServer(a, exchange)) !== undefined, 'a trial')),
    )
    const endsOf = async () => {
      const keys = exchanges.map((_, i) => hashName(`[direct:ms] h${i}.example:25`))
      const records = (await redis.command('HMGET', BREAKERS_KEY, ...keys)) as string[]
      return records.map((record) => Number(record.split(' ')[3]))
    }
    const first = await endsOf()
    await until(async () => (await endsOf()).every((end, i) => end > first[i]!), 'the renewal of all')
  })

  it('a late reply about the trial does not end the pause of a newer failure', async (t) => {
    const redis = await RedisServer.start(t)
    let lost: Promise<unknown> | undefined
    const lose = (script: string) => (script === TROUBLES.name ? lost : undefined)
    const a = await startBreakerHost(t, redis.port, { lose })
    // Under way before the first failure, so that it has no trial.
    const other = (await tryServer(a, { ...brief, terms: isp.terms }))!
    await failAt(a, brief)
    await until(() => isUsable(a, brief), 'the end of the pause')
    const asked = a.state.acquire(brief)
    assert.ok(asked instanceof Promise)
    lost = asked
    other.reportFailure({ stage: 'connect', message: 'refused again' })
    other.end(false)
    await asked
    lost = undefined
    assert.ok(!isUsable(a, brief))
    const before = a.questions()
    await until(() => a.questions() > before + 1, 'two more rounds')
    assert.ok(!isUsable(a, brief))
    const b = await startBreakerHost(t, redis.port)
    await until(() => !isUsable(b, brief), 'the breaker')
  })

  it('breakers beyond the number that Redis keeps are not sent again and again', async (t) => {
    const redis = await RedisServer.start(t)
    const hosts = await hostsOf(2, () => startBreakerHost(t, redis.port))
    const versionOf = async () =>
      Number(String(await redis.command('HGET', BREAKERS_KEY, 'state')).split(' ')[1])
    // Not more at once than a process keeps for Redis.
    const [each, chunk] = [MOST_TROUBLES + 500, 500]
    let count = 0
    for (const host of hosts) {
      for (let end = each; end > 0; end -= chunk) {
        for (const before = count; count < before + chunk; count++) {
          await failAt(host, termsExchange('ms', `h${count}.example`, { retryAfterMs: 600_000 }))
        }
        await until(async () => (await versionOf()) >= count, 'what was sent')
      }
    }
    const asked = hosts.map((host) => host.questions())
    await until(() => hosts.every((host, i) => host.questions() > asked[i]! + 3), 'three more rounds of both')
    assert.equal(await versionOf(), count)
  })

  it('breakers of direct mail are shared by section', async (t) => {
    const redis = await RedisServer.start(t)
    const [a, b] = [await startBreakerHost(t, redis.port), await startBreakerHost(t, redis.port)]
    const [first, second] = ['mx1.example', 'mx2.example'].map((host) =>
      termsExchange('ms', host, { retryAfterMs: 60_000 }),
    )
    await failAt(a, first!)
    await until(() => !isUsable(b, first), 'the breaker')
    assert.ok(isUsable(b, second))
    assert.ok(isUsable(b, termsExchange(undefined, 'mx1.example', { retryAfterMs: 60_000 })))
  })

  it('a message that moves on to a server requests its trial too', async (t) => {
    const redis = await RedisServer.start(t)
    const [a, b] = [await startBreakerHost(t, redis.port), await startBreakerHost(t, redis.port)]
    const [first, second] = ['mx1.example', 'mx2.example'].map((host) =>
      termsExchange('ms', host, { retryAfterMs: 500 }),
    )
    await failAt(a, second!)
    const lease = (await tryServer(a, first!))!
    await until(async () => (await lease.moveTo(second!)) === undefined, 'the end of the pause')
    await until(() => !isUsable(b, second), 'the trial')
    assert.equal(await tryServer(b, second!), undefined)
    const moving = (await tryServer(b, first!))!
    assert.ok((await moving.moveTo(second!))?.message.includes('is being tried by another message'))
    assert.equal(await lease.moveTo(first!), undefined)
    await until(async () => (await tryServer(b, second!)) !== undefined, 'the trial')
  })

  it('a decision sends nothing to Redis if all is known', async (t) => {
    const redis = await RedisServer.start(t)
    const host = await startBreakerHost(t, redis.port)
    await failAt(host, isp)
    const before = host.questions()
    const works = relayExchange({ host: 'works.example', name: 'works' })
    for (let i = 0; i < 10_000; i++) {
      host.state.look(isp)
      const lease = host.state.acquire(works)
      assert.ok(!(lease instanceof Promise) && !('usable' in lease))
      lease.reportSuccess()
      lease.end(true)
    }
    assert.equal(host.questions(), before)
  })

  it('stored breakers name no person and no server, expire, and are bounded', async (t) => {
    const redis = await RedisServer.start(t)
    const host = await startBreakerHost(t, redis.port)
    const exchange = relayExchange({
      host: 'smtp.example',
      name: 'isp',
      credentials: { user: 'joe@example.com', password: new Secret('hidden') },
      retryAfterMs: 60_000,
    })
    await failAt(host, exchange, '535 <joe@example.com> see https://x.example/?who=joe%40example.com now')
    const record = () => recordOf(redis, 'joe@example.com@smtp.example:25')
    await until(async () => (await record()) !== 'null', 'the breaker')
    assert.match(await record(), / 535 \.\.\. see \.\.\. now$/)
    for (let i = 0; i < MOST_TROUBLES + 200; i++) {
      await failAt(host, termsExchange('ms', `h${i}.example`, { retryAfterMs: 60_000 }))
      if (i % 100 === 0) await new Promise((done) => setImmediate(done))
    }
    const last = `[direct:ms] h${MOST_TROUBLES + 199}.example:25`
    await until(async () => (await recordOf(redis, last)) !== 'null', 'the last')
    assert.equal(await redis.command('ZCARD', `${BREAKERS_KEY}:changes`), MOST_TROUBLES)
    assert.equal(await redis.command('HLEN', BREAKERS_KEY), MOST_TROUBLES + 1)
    for (const key of (await redis.command('KEYS', '*')) as string[]) {
      assert.match(key, /^dns_overrides:v1:/)
      assert.ok(Number(await redis.command('PTTL', key)) > 0, key)
    }
    t.diagnostic(`${String(await redis.command('MEMORY', 'USAGE', BREAKERS_KEY))} bytes`)
  })

  it('need only the rights that docs/operations.md lists', async (t) => {
    const redis = await RedisServer.start(t)
    await redis.restrict()
    const [a, b] = [await startBreakerHost(t, redis.port), await startBreakerHost(t, redis.port)]
    await failAt(a, brief)
    ;(await takeTrial(a)).reportSuccess()
    for (let i = 0; i < MOST_TROUBLES + 1; i++) {
      await failAt(a, termsExchange('ms', `h${i}.example`, { retryAfterMs: 60_000 }))
    }
    await until(() => !isUsable(b, termsExchange('ms', `h${MOST_TROUBLES}.example`)), 'the last')
    const { connection, said } = connectTo(t, redis.port, {}, PATIENT)
    const rotation = new SharedRotation({ connection, local: new LocalRotation(1_000_000) })
    t.after(() => rotation.close())
    await until(() => rotation.next() < 1_000_000, 'a shared offset')
    assert.deepEqual([...a.said, ...b.said, ...said], [])
  })
})
