import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runProcess } from '../support/cli'
import { needsRedis, RedisServer } from '../support/redis-server'
import { startSink } from '../support/smtp-sink'
import { fetchUntil, startWithHttp } from '../support/status-server'
import { until } from '../support/until'

test(
  'hits of two servers are added up, and each view shows who shares, or that Redis does not answer',
  { skip: needsRedis(), timeout: 600_000 },
  async (t) => {
    const redis = await RedisServer.start(t)
    const sink = await startSink()
    t.after(() => sink.close())
    const overrides = [
      'a.example @isp $end',
      'b.example @isp $end',
      'c.example @isp $end',
      redis.section(),
      '[relay:isp]',
      'host = 127.0.0.1',
      `port = ${sink.port}`,
    ].join('\n')
    const start = async (nodes: number) => {
      const server = await startWithHttp({ nodes, loglevel: 'NOTICE', overrides })
      t.after(() => server.haraka.close())
      return server
    }
    const [{ haraka: first, root: firstPage }, { haraka: second, root: secondPage }] = await Promise.all([
      start(2),
      start(0),
    ])
    for (const to of ['joe@a.example', 'joe@b.example']) await first.send({ to })
    await second.send({ to: 'joe@a.example' })
    await first.waitFor(() => sink.received.length === 3, 'three messages', [sink])

    const run = async (command: string, ...words: string[]) =>
      (await runProcess([command, ...words, '--config', second.folder])).out
    const hits = async () => {
      const { lines = [] } = JSON.parse(await run('rules', '--json')) as { lines?: { hits: number }[] }
      return lines.map((line) => line.hits).join()
    }
    await until(async () => (await hits()) === '2,1,0', 'the sums')
    const shares =
      /Redis answers; 2 servers share: \S+ \((?:1 worker|2 workers)\) and \S+ \((?:1 worker|2 workers)\)/
    await until(async () => shares.test(await run('rules')), 'both servers')
    const rules = await run('rules')
    assert.match(rules, /Hits on 2 servers since /)
    assert.match(rules, /Never hit: line 3\n/)
    assert.match(await run('relays'), shares)
    for (const [page, own] of [
      [firstPage, 1],
      [secondPage, 1],
    ] as const) {
      // The other server hears of the sums with its own next question to Redis.
      const row = />a\.example @isp[^\n]*?>2<[^\n]*?>66\.7 %</
      const text = await fetchUntil(`${page}/`, (each) => row.test(each))
      assert.match(text, /Hits on 2 servers since/)
      assert.match(text, shares)
      assert.match(text, /3 override lines, of which .*1 never hit/)
      const metrics = await (await fetch(`${page}/metrics`)).text()
      assert.match(metrics, new RegExp(`^haraka_dns_overrides_rule_hits_total\\{line="1"\\} ${own}$`, 'm'))
      assert.match(metrics, /^haraka_dns_overrides_shared_rule_hits_total\{line="1"\} 2$/m)
      assert.match(metrics, /^haraka_dns_overrides_rules_never_hit 1$/m)
    }
    assert.match((await run('doctor')).replaceAll(/\s+/g, ' '), shares)
    const json = JSON.parse(await run('relays', '--json')) as {
      redis?: { answers: boolean; servers: object[] }
    }
    assert.equal(json.redis?.answers, true)
    assert.equal(json.redis.servers.length, 2)

    await redis.kill()
    await second.waitForLog(/Redis is gone/)
    await second.send({ to: 'joe@c.example' })
    await until(async () => (await hits()) === '2,1,1', 'a hit without Redis')
    for (const command of ['rules', 'relays', 'doctor'])
      assert.match(
        (await run(command)).replaceAll(/\s+/g, ' '),
        /Redis does not answer: each server goes on by itself/,
      )
  },
)
