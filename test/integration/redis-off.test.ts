import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { needsRedis, RedisServer } from '../support/redis-server'
import { startSink } from '../support/smtp-sink'
import { until } from '../support/until'

/** Writes down what the process has loaded: the master after its start, a worker after a message. */
const LIST_MODULES = `
const { writeFileSync, renameSync } = require('node:fs')
function list(name) {
  const path = process.env.HARAKA + '/' + name
  writeFileSync(path + '.new', Object.keys(require('node:module')._cache).join('\\n'))
  renameSync(path + '.new', path)
}
exports.hook_init_master = (next) => { list('master'); next() }
exports.hook_delivered = (next) => { list('worker'); next() }
`
const PROCESSES = ['master', 'worker']
/** Haraka's `outbound/tls.js` loads haraka-plugin-redis by itself: `test/architecture.test.ts` says who does so here. */
const OF_REDIS = /\/lib\/redis\//

/** A Haraka that has sent one message. @returns the files of Redis that its processes have loaded */
async function sendOne(t: TestContext, port: number, section: string): Promise<readonly string[][]> {
  const sink = await startSink()
  t.after(() => sink.close())
  const haraka = await HarakaServer.start({
    nodes: 1,
    overrides: ['* @isp', section, '[relay:isp]', 'host = 127.0.0.1', `port = ${sink.port}`].join('\n'),
    files: { 'config/redis.ini': `[server]\nhost = 127.0.0.1\nport = ${port}\n` },
    plugins: { 'list-modules': LIST_MODULES },
  })
  t.after(() => haraka.close())
  await haraka.send({ to: 'ann@a.example' })
  const paths = PROCESSES.map((name) => join(haraka.folder, name))
  await haraka.waitFor(() => paths.every((path) => existsSync(path)), 'the lists of modules', [sink])
  return paths.map((path) => {
    const modules = readFileSync(path, 'utf8').split('\n')
    assert.ok(modules.length > 100, 'the plugin and Haraka are among them')
    return modules.filter((module) => OF_REDIS.test(module))
  })
}

test('without [redis] no code of Redis is loaded, and no connection is opened', async (t) => {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  assert.deepEqual(await sendOne(t, (server.address() as AddressInfo).port, ''), [[], []])
  assert.equal(connections, 0)
})

test('with [redis] the code is loaded, and connects as redis.ini says', { skip: needsRedis() }, async (t) => {
  const redis = await RedisServer.start(t)
  for (const modules of await sendOne(t, redis.port, '[redis]')) {
    assert.ok(modules.some((module) => module.endsWith('/lib/redis/sharing.js')))
    assert.ok(modules.some((module) => module.endsWith('/lib/redis/shared-limits.js')))
  }
  await until(async () => (await redis.command('EXISTS', 'dns_overrides:v1:hosts')) === 1, 'the first call')
})
