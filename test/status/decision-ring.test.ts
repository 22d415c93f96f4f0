import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Decided, DecisionRing } from '../../lib/status/decision-ring'
import { garbageCollector } from '../bench/support'
import { decidedBy } from '../support/decided'
import { configure } from '../support/rules'

const CONFIGURATION = configure('example.com 192.0.2.1')

const partsOf = (decided: Decided): readonly object[] => {
  const { message, decision, located } = decided
  return [decided, message, decision, decision.matched, decision.exchanges, located, ...located]
}

test('a decision that is remembered keeps neither the message nor the decision itself in memory', async () => {
  const ring = new DecisionRing()
  const add = () => {
    const decided = decidedBy(CONFIGURATION, 'example.com')
    ring.add('A.1', decided, 0)
    return partsOf(decided).map((part) => new WeakRef(part))
  }
  const parts = add()
  await new Promise((done) => setImmediate(done))
  garbageCollector()()
  assert.deepEqual(
    parts.map((part) => part.deref()),
    parts.map(() => undefined),
  )
  const [entry] = ring.take(7)
  assert.deepEqual(entry?.recipients, ['b@example.com'])
  assert.deepEqual(entry?.lines, [1])
  assert.deepEqual(entry?.exchanges, ['192.0.2.1:25'])
})
