import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InFlight } from '../../lib/dns/in-flight'

test('the number of queries in flight is bounded, and the others wait in order of arrival', () => {
  const inFlight = new InFlight(2)
  const started: string[] = []
  const starts = ['a', 'b', 'c', 'd', 'e'].map((name) => () => void started.push(name))
  for (const start of starts) inFlight.enter(start)
  assert.deepEqual(started, ['a', 'b'])
  assert.deepEqual([inFlight.running, inFlight.queued], [2, 3])
  assert.equal(inFlight.withdraw(starts[2]!), true)
  assert.equal(inFlight.withdraw(starts[0]!), false)
  inFlight.leave()
  assert.deepEqual(started, ['a', 'b', 'd'])
  inFlight.leave()
  inFlight.leave()
  inFlight.leave()
  assert.deepEqual(started, ['a', 'b', 'd', 'e'])
  assert.deepEqual([inFlight.running, inFlight.queued], [0, 0])
})
