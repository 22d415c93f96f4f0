import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WHOLE } from '../../lib/redis/host-share'
import { readLimitsReply } from '../../lib/redis/limits-reply'

const id = 'A'.repeat(22)
const head = ['limits', 5_000, 4_000, 3, 0, WHOLE / 2, 1, 0, 2]

test('a reply says what a host may use, and which hosts share', () => {
  const reply = [...head, 2, `1${id}`, `0${id}`, 1, id, 1, 2, 30, 60_000]
  assert.deepEqual(readLimitsReply(reply, 1), {
    kind: 'limits',
    now: 5_000,
    since: 4_000,
    generation: 3,
    slice: { begin: 0, end: WHOLE / 2 },
    isSettled: { connections: true, messages: false },
    hosts: 2,
    known: [
      { id, isKept: true },
      { id, isKept: false },
    ],
    short: [id],
    grants: [{ connections: 1, othersWaiting: 2, messages: 30, waitMs: 60_000 }],
  })
  for (const kind of ['clock', 'taken', 'wait', 'forgotten']) {
    assert.deepEqual(readLimitsReply([kind, 7], 5), { kind, now: 7 })
  }
})

test('a wait is at most as long as messages count, whatever Redis says', () => {
  const reply = readLimitsReply([...head, 0, 0, 0, 0, 0, Number.MAX_SAFE_INTEGER], 1)
  assert.ok(reply.kind === 'limits')
  assert.equal(reply.known, undefined)
  assert.equal(reply.grants[0]!.waitMs, 3_660_000)
})

test('a reply that does not match the call is refused', () => {
  for (const reply of [
    null,
    'OK',
    [],
    ['limits'],
    ['other', 1],
    ['clock'],
    ['clock', 'now'],
    [...head, 0, 0],
    [...head, 0, 0, 1, 1, 1],
    [...head, 0, 0, 1, 1, 1, -1],
    [...head, 0, 0, 1, 1, 1, 0.5],
    [...head, 0, 0, 1, 1, 1, 1, 1],
    [...head, 100_000, 0, 1, 1, 1, 1],
    [...head, -1, 0, 1, 1, 1, 1],
    ['limits', 1, 1, 1, 5, 4, 1, 1, 1, 0, 0, 1, 1, 1, 1],
    ['limits', 1, 1, 1, 0, WHOLE + 1, 1, 1, 1, 0, 0, 1, 1, 1, 1],
  ]) {
    assert.throws(() => readLimitsReply(reply, 1), Error, JSON.stringify(reply))
  }
  const strange = readLimitsReply([...head, 2, 'x', 5, 1, 'a:b', 0, 0, 0, 0], 1)
  assert.ok(strange.kind === 'limits')
  assert.deepEqual([strange.known, strange.short], [undefined, []])
})
