import assert from 'node:assert/strict'
import cluster, { type Worker } from 'node:cluster'
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../lib/relays/clock'
import { ChannelLimits, type LimitPort, serveLimits } from '../../lib/relays/limit-channel'
import type { Limits } from '../../lib/relays/limit-types'
import { openQuotaJournal } from '../../lib/relays/quota-journal'
import type { LimitJob } from '../support/limit-worker'

/** A relay that takes each message after a while, and remembers what it has seen. */
async function startRelay(t: TestContext, delayMs: number) {
  const seen = new EventEmitter<{ change: [] }>()
  const relay = { port: 0, open: 0, most: 0, taken: 0, seen }
  const server = createServer((socket) => {
    relay.open++
    relay.most = Math.max(relay.most, relay.open)
    socket.on('error', () => {})
    socket.on('close', () => {
      relay.open--
      seen.emit('change')
    })
    socket.once('data', () => {
      setTimeout(() => {
        relay.taken++
        socket.write('taken\n')
        seen.emit('change')
      }, delayMs)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  relay.port = (server.address() as AddressInfo).port
  return relay
}

/** A master process that counts, with a folder for its journal. */
function startMaster(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-limits-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const clock = systemClock()
  const serve = (onChange = () => {}) =>
    serveLimits<Worker>(cluster, {
      monotonic: clock.monotonic,
      onChange,
      journal: openQuotaJournal({ folder, clock, warn: (message) => assert.fail(message) }),
    })
  cluster.setupPrimary({ exec: join(__dirname, '..', 'support', 'limit-worker.js') })
  const workers = new Set<Worker>()
  t.after(() => workers.forEach((worker) => worker.process.kill('SIGKILL')))
  const fork = (job: LimitJob): Worker => {
    const worker = cluster.fork({ LIMIT_JOB: JSON.stringify(job) })
    workers.add(worker)
    return worker
  }
  return { folder, serve, fork }
}

const exited = async (worker: Worker) => (await once(worker, 'exit')) as [number | null, string | null]

test('120 messages of four workers use at most two connections, without waiting', async (t) => {
  const relay = await startRelay(t, 10)
  const { serve, fork } = startMaster(t)
  const server = serve()
  t.after(() => server.close())
  const start = performance.now()
  const limits = { key: 'isp', maxConnections: 2 }
  const workers = [0, 1, 2, 3].map(() => fork({ limits, messages: 30, threads: 30, port: relay.port }))
  const ends = await Promise.all(workers.map(exited))
  t.diagnostic(`${Math.round(performance.now() - start)} ms, with the start of the workers`)
  assert.deepEqual(
    ends.map(([code]) => code),
    [0, 0, 0, 0],
  )
  assert.deepEqual([relay.taken, relay.most], [120, 2])
  assert.deepEqual(server.status(), [{ key: 'isp', connections: 0, sentLastHour: 120 }])
})

test('in 10,000 races of workers one place is never granted twice', { timeout: 900_000 }, async (t) => {
  const { folder, serve, fork } = startMaster(t)
  const server = serve()
  t.after(() => server.close())
  const job: LimitJob = {
    limits: { key: 'isp', maxConnections: 1 },
    messages: 2_500,
    threads: 3,
    lock: join(folder, 'lock'),
  }
  const start = performance.now()
  const ends = await Promise.all([0, 1, 2, 3].map(() => exited(fork(job))))
  t.diagnostic(`${((performance.now() - start) / 10_000).toFixed(3)} ms a round`)
  assert.deepEqual(
    ends,
    [0, 1, 2, 3].map(() => [0, null]),
  )
  assert.deepEqual(server.status(), [{ key: 'isp', connections: 0, sentLastHour: 10_000 }])
})

test(
  'limits hold after kill -9 of workers with messages in progress, and of all processes',
  { timeout: 900_000 },
  async (t) => {
    const relay = await startRelay(t, 20)
    const { serve, fork } = startMaster(t)
    const serveAndTell = () => serve(() => relay.seen.emit('change'))
    let server = serveAndTell()
    t.after(() => server.close())
    const limits: Limits = { key: 'isp', maxConnections: 2, maxPerHour: 37 }
    const job: LimitJob = { limits, messages: 40, threads: 10, port: relay.port }
    const takenIs = async (count: number) => {
      while (relay.taken < count) await once(relay.seen, 'change')
    }
    let workers = [0, 1, 2, 3].map(() => fork(job))
    for (const count of [5, 9, 13]) {
      await takenIs(count)
      const victim = workers.shift()!
      victim.process.kill('SIGKILL')
      await exited(victim)
      workers.push(fork(job))
    }
    await takenIs(17)
    const dead = workers.map(exited)
    for (const worker of workers) worker.process.kill('SIGKILL')
    // The master too: what it knew is in the journal alone.
    server.close()
    await Promise.all(dead)
    while (relay.open > 0) await once(relay.seen, 'change')
    server = serveAndTell()
    workers = [0, 1].map(() => fork(job))
    const full = () => (server.status()[0]?.sentLastHour ?? 0) >= 37
    while (!full()) await once(relay.seen, 'change')
    while (relay.open > 0) await once(relay.seen, 'change')
    t.diagnostic(`${relay.taken} of 37 taken`)
    assert.equal(relay.most, 2)
    assert.ok(relay.taken <= 37 && relay.taken > 37 - 3 * 2 - 4, `${relay.taken} taken`)
  },
)

test('a worker that has ended is granted nothing', async (t) => {
  const processes = new EventEmitter()
  const server = serveLimits(processes, { monotonic: () => 0 })
  t.after(() => server.close())
  const worker = Object.assign(new EventEmitter(), {
    isDead: () => true,
    isConnected: () => true,
    send: () => assert.fail('nobody hears it'),
  })
  const limits = { key: 'isp', maxConnections: 1 }
  processes.emit('message', worker, { dns_overrides_limits: { ask: 1, limits } })
  processes.emit('message', worker, { dns_overrides_limits: { wait: limits } })
  assert.deepEqual(server.status(), [])
})

test('messages of Haraka and other plugins, and malformed ones, are ignored', (t) => {
  const processes = new EventEmitter()
  const server = serveLimits(processes, { monotonic: () => 0 })
  t.after(() => server.close())
  const sent: unknown[] = []
  const worker = Object.assign(new EventEmitter(), {
    isDead: () => false,
    isConnected: () => true,
    send: (message: unknown) => sent.push(message) > 0,
  })
  for (const message of [
    null,
    5,
    { cmd: 'flushQueue' },
    { event: 'outbound.shutdown' },
    { dns_overrides_limits: null },
    { dns_overrides_limits: { ask: 'x', limits: { key: 'isp' } } },
    { dns_overrides_limits: { ask: 1, limits: { key: 5 } } },
    { dns_overrides_limits: { ask: 1, limits: { key: 'isp', maxConnections: -1 } } },
    { dns_overrides_limits: { ask: 1, limits: null } },
    { dns_overrides_limits: { giveBack: 99, sent: true } },
    { dns_overrides_limits: { wait: 'isp' } },
  ]) {
    processes.emit('message', worker, message)
  }
  assert.deepEqual(sent, [])
  assert.deepEqual(server.status(), [])
})

/** The worker's end of a channel of which the test is the other end. */
function channel() {
  const sent: unknown[] = []
  const port = Object.assign(new EventEmitter(), {
    connected: true,
    send: (message: unknown) => sent.push(message) > 0,
  })
  return { port: port as LimitPort & EventEmitter & { connected: boolean }, sent }
}

test('a master that does not answer is not waited for, and a late grant is given back', async () => {
  const { port, sent } = channel()
  const limits = new ChannelLimits(port, { patienceMs: 1 })
  assert.deepEqual(await limits.ask({ key: 'isp', maxConnections: 1 }), { granted: false, why: 'unknown' })
  port.emit('message', { dns_overrides_limits: { answer: 1, granted: true, place: 7 } })
  assert.deepEqual(sent.at(-1), { dns_overrides_limits: { giveBack: 7, sent: false } })
})

test('a disconnected worker sends no more requests, and its pending ones are answered', async () => {
  const { port, sent } = channel()
  const limits = new ChannelLimits(port)
  const asked = limits.ask({ key: 'isp', maxConnections: 1 })
  port.connected = false
  port.emit('disconnect')
  assert.deepEqual(await asked, { granted: false, why: 'unknown' })
  assert.deepEqual(limits.ask({ key: 'isp' }), { granted: false, why: 'unknown' })
  assert.equal(sent.length, 1)
})
