import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LimitArbiter } from '../../lib/relays/limit-arbiter'
import type { LimitAnswer, Limits } from '../../lib/relays/limit-types'
import { testClock } from '../support/relay-state'

const HOUR = 3_600_000

function setup() {
  const clock = testClock()
  const offers: [holder: string, place: number][] = []
  const arbiter = new LimitArbiter<string>({
    monotonic: clock.monotonic,
    offer: (holder, _key, place) => offers.push([holder, place]),
  })
  return { clock, offers, arbiter }
}

function placeOf(answer: LimitAnswer): number {
  assert.ok(answer.granted, JSON.stringify(answer))
  return answer.place
}

const two: Limits = { key: 'isp', maxConnections: 2 }

test('all holders together have as many places as the limit', () => {
  const { arbiter } = setup()
  const first = placeOf(arbiter.ask('a', two))
  placeOf(arbiter.ask('b', two))
  assert.deepEqual(arbiter.ask('c', two), { granted: false, why: 'connections' })
  arbiter.giveBack('b', first, false)
  assert.deepEqual(arbiter.look(two), { granted: false, why: 'connections' }, "it was not b's to give back")
  arbiter.giveBack('a', first, false)
  arbiter.giveBack('a', first, false)
  placeOf(arbiter.ask('c', two))
  assert.equal(arbiter.ask('c', two).granted, false)
})

test('a free place goes to the holder that has waited longest', () => {
  const { arbiter, offers } = setup()
  const place = placeOf(arbiter.ask('a', two))
  placeOf(arbiter.ask('a', two))
  arbiter.wait('b', two)
  arbiter.wait('c', two)
  arbiter.wait('b', two)
  arbiter.giveBack('a', place, true)
  assert.deepEqual(offers, [['b', 3]])
  assert.equal(arbiter.ask('a', two).granted, false)
  arbiter.stopWaiting('c')
  arbiter.giveBack('b', 3, true)
  assert.deepEqual(offers, [['b', 3]])
  arbiter.wait('c', two)
  assert.deepEqual(offers.at(-1), ['c', 4], 'at once, if one is free')
})

test('a holder that is gone frees its places, and its messages in progress count as sent', () => {
  const { arbiter, clock, offers } = setup()
  const limits = { key: 'isp', maxConnections: 2, maxPerHour: 3 }
  arbiter.giveBack('a', placeOf(arbiter.ask('a', limits)), false)
  placeOf(arbiter.ask('a', limits))
  placeOf(arbiter.ask('a', limits))
  arbiter.wait('a', limits)
  arbiter.wait('b', limits)
  arbiter.leave('a')
  assert.deepEqual(arbiter.status(), [{ key: 'isp', connections: 1, sentLastHour: 2 }])
  assert.deepEqual(
    offers.map(([holder]) => holder),
    ['b'],
  )
  assert.equal(arbiter.ask('b', limits).granted, false)
  clock.pass(HOUR + 10_000)
  placeOf(arbiter.ask('b', limits))
})

test('setting the wall clock does not change the hour', () => {
  for (const jump of [-HOUR, HOUR]) {
    const { arbiter, clock } = setup()
    const limits = { key: 'isp', maxPerHour: 2 }
    for (let i = 0; i < 2; i++) arbiter.giveBack('a', placeOf(arbiter.ask('a', limits)), true)
    clock.setWall(clock.wall() + jump)
    const refused = arbiter.ask('a', limits)
    assert.ok(!refused.granted && refused.why === 'quota')
    assert.ok(refused.waitMs >= HOUR && refused.waitMs <= HOUR + 10_000)
    clock.pass(refused.waitMs)
    placeOf(arbiter.ask('a', limits))
  }
})

test('a lower limit after a reload grants nothing until it is met, and a higher one grants at once', () => {
  const { arbiter, offers } = setup()
  const first = placeOf(arbiter.ask('a', two))
  placeOf(arbiter.ask('a', two))
  const one = { ...two, maxConnections: 1 }
  arbiter.wait('b', one)
  arbiter.giveBack('a', first, true)
  assert.equal(offers.length, 0)
  arbiter.wait('c', { ...two, maxConnections: 3 })
  assert.deepEqual(
    offers.map(([holder]) => holder),
    ['b', 'c'],
  )
})

test('no limit is exceeded and no place is lost in random order', () => {
  type Step =
    | { kind: 'ask' | 'wait' | 'leave'; holder: number }
    | { kind: 'end'; which: number; sent: boolean }
    | { kind: 'pass'; ms: number }
  const holder = fc.nat(3)
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ kind: fc.constantFrom('ask' as const, 'wait' as const), holder }),
    fc.record({ kind: fc.constant('end' as const), which: fc.nat(9), sent: fc.boolean() }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(HOUR / 4) }),
    fc.record({ kind: fc.constant('leave' as const), holder }),
  )
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 9 }),
      fc.array(step, { maxLength: 120 }),
      (maxConnections, maxPerHour, steps) => {
        const clock = testClock()
        const limits = { key: 'isp', maxConnections, maxPerHour }
        const held: { holder: number; place: number }[] = []
        const sent: number[] = []
        const arbiter = new LimitArbiter<number>({
          monotonic: clock.monotonic,
          offer: (who, _key, place) => held.push({ holder: who, place }),
        })
        for (const one of steps) {
          if (one.kind === 'pass') clock.pass(one.ms)
          else if (one.kind === 'wait') arbiter.wait(one.holder, limits)
          else if (one.kind === 'ask') {
            const answer = arbiter.ask(one.holder, limits)
            if (answer.granted) held.push({ holder: one.holder, place: answer.place })
          } else if (one.kind === 'end') {
            const taken = held[one.which % Math.max(held.length, 1)]
            if (taken !== undefined) {
              held.splice(held.indexOf(taken), 1)
              if (one.sent) sent.push(clock.monotonic())
              arbiter.giveBack(taken.holder, taken.place, one.sent)
            }
          } else {
            const gone = held.filter((each) => each.holder === one.holder)
            for (const each of gone) {
              held.splice(held.indexOf(each), 1)
              sent.push(clock.monotonic())
            }
            arbiter.leave(one.holder)
          }
          const lastHour = sent.filter((at) => at > clock.monotonic() - HOUR).length
          assert.ok(held.length <= maxConnections)
          assert.ok(held.length + lastHour <= maxPerHour)
          assert.equal(arbiter.status()[0]?.connections ?? 0, held.length)
        }
      },
    ),
  )
})
