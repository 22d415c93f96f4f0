import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMxSet, type MxSet } from '../../lib/dns/mx-set'

const mx = (priority: number, exchange: string) => ({ priority, exchange })
const usable = (...records: ReturnType<typeof mx>[]): MxSet => ({ kind: 'records', records })

const SETS: readonly (readonly [
  what: string,
  records: ReturnType<typeof mx>[],
  set: MxSet,
  dropped: string[],
])[] = [
  [
    'by priority, equals as they came',
    [mx(20, 'c'), mx(10, 'b'), mx(10, 'a')],
    usable(mx(10, 'b'), mx(10, 'a'), mx(20, 'c')),
    [],
  ],
  ['a null MX alone (RFC 7505 3)', [mx(0, '')], { kind: 'nullmx' }, []],
  ['beside a real one', [mx(0, ''), mx(10, 'a')], usable(mx(10, 'a')), [': a null MX beside others']],
  ['two, whatever their priority', [mx(0, ''), mx(10, '')], { kind: 'nullmx' }, []],
  [
    'an IP address is skipped',
    [mx(10, '192.0.2.1'), mx(20, 'a')],
    usable(mx(20, 'a')),
    ['192.0.2.1: an IP address'],
  ],
  [
    'a name that no host can have is skipped',
    [mx(1, 'a b.x'), mx(2, '*.x'), mx(3, 'a')],
    usable(mx(3, 'a')),
    ['a b.x: not a host name', '*.x: not a host name'],
  ],
  ['nothing is left', [mx(1, '192.0.2.1')], { kind: 'unusable' }, ['192.0.2.1: an IP address']],
]

test('the part of an MX set that mail can use', async (t) => {
  for (const [what, records, set, expected] of SETS) {
    await t.test(what, () => {
      const dropped: string[] = []
      assert.deepEqual(
        readMxSet(records, ({ exchange }, why) => dropped.push(`${exchange}: ${why}`)),
        set,
      )
      assert.deepEqual(dropped, expected)
    })
  }
})
