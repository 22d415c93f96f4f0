import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SendingThreads, workerCount, type Workers } from '../../lib/haraka/sending-threads'
import type { OutboundConfig, OutboundCfg } from '../../lib/haraka-objects/outbound'

const settings = (concurrency_max: number): OutboundCfg => ({
  concurrency_max,
  inet_prefer: 'default',
  local_mx_ok: false,
})
const ALONE = { count: 1, id: 1 }

/** What one worker sends at once, of so many for all of them. */
function shareOf(threads: number, worker: Workers): number {
  const outbound: OutboundConfig = { cfg: settings(10_000) }
  new SendingThreads(outbound, worker).apply(threads)
  return outbound.cfg.concurrency_max
}

test('the shares of all workers add up to the number, with at least one each', () => {
  for (let threads = 1; threads <= 25; threads++) {
    for (let count = 1; count <= 9; count++) {
      const shares = Array.from({ length: count }, (_, index) => shareOf(threads, { count, id: index + 1 }))
      const sum = shares.reduce((total, share) => total + share, 0)
      assert.equal(sum, Math.max(threads, count), `${threads} threads, ${count} workers`)
      assert.ok(Math.max(...shares) - Math.min(...shares) <= 1)
    }
  }
})

test('the share of a replacement worker never exceeds the number', () => {
  assert.equal(shareOf(10, { count: 4, id: 5 }), 2)
  assert.equal(shareOf(3, { count: 4, id: 9 }), 1)
})

test('the number of workers is read as by Haraka', () => {
  const cases: [unknown, number][] = [
    ['cpus', 8],
    [3, 3],
    ['3', 3],
    [0, 1],
    [undefined, 1],
    ['many', 1],
    [-2, 1],
  ]
  for (const [nodes, count] of cases) assert.equal(workerCount(nodes, 8), count, String(nodes))
})

test("without the setting Haraka's own is not touched", () => {
  const outbound: OutboundConfig = { cfg: settings(10_000) }
  const threads = new SendingThreads(outbound, ALONE)
  threads.apply(undefined)
  assert.deepEqual(Object.getOwnPropertyDescriptor(outbound, 'cfg'), {
    value: settings(10_000),
    configurable: true,
    enumerable: true,
    writable: true,
  })
})

test('the number is in force at once, can change, survives a reload of outbound.ini, and can be removed', () => {
  const outbound: OutboundConfig = { cfg: settings(10_000) }
  const first = outbound.cfg
  const threads = new SendingThreads(outbound, { count: 2, id: 2 })
  threads.apply(5)
  assert.equal(outbound.cfg.concurrency_max, 2)
  threads.apply(8)
  assert.equal(outbound.cfg.concurrency_max, 4)
  assert.equal(outbound.cfg, first)

  const second = settings(77)
  outbound.cfg = second
  assert.equal(outbound.cfg, second)
  assert.equal(second.concurrency_max, 4)
  threads.apply(20)
  assert.equal(second.concurrency_max, 10)

  threads.apply(undefined)
  assert.equal(outbound.cfg, second)
  assert.equal(second.concurrency_max, 77)
  assert.equal(Object.getOwnPropertyDescriptor(outbound, 'cfg')?.value, second)

  threads.apply(6)
  assert.equal(outbound.cfg.concurrency_max, 3)
  threads.apply(undefined)
  threads.apply(undefined)
  assert.equal(second.concurrency_max, 77)
})
