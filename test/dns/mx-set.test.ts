import assert from 'node:assert/strict'
import { test } from 'node:test'
import { usableMx } from '../../lib/dns/mx-set'

const mx = (priority: number, exchange: string) => ({ priority, exchange })

const SETS: readonly (readonly [
  what: string,
  records: ReturnType<typeof mx>[],
  usable: ReturnType<typeof mx>[],
  dropped: string[],
])[] = [
  [
    'by priority, equals as they came',
    [mx(20, 'c'), mx(10, 'b'), mx(10, 'a')],
    [mx(10, 'b'), mx(10, 'a'), mx(20, 'c')],
    [],
  ],
  ['behaviour 5: a null MX alone (RFC 7505 3)', [mx(0, '')], [mx(0, '')], []],
  ['behaviour 5: beside a real one', [mx(0, ''), mx(10, 'a')], [mx(10, 'a')], [': a null MX beside others']],
  ['behaviour 5: two, whatever their priority', [mx(0, ''), mx(10, '')], [mx(0, '')], []],
  [
    'an IP address is skipped',
    [mx(10, '192.0.2.1'), mx(20, 'a')],
    [mx(20, 'a')],
    ['192.0.2.1: an IP address'],
  ],
  [
    'behaviour 9: what is no host name is skipped',
    [mx(1, 'a b.x'), mx(2, '*.x'), mx(3, 'a')],
    [mx(3, 'a')],
    ['a b.x: no host name', '*.x: no host name'],
  ],
  ['nothing is left', [mx(1, '192.0.2.1')], [], ['192.0.2.1: an IP address']],
]

test('what mail can use of an MX set', async (t) => {
  for (const [what, records, usable, expected] of SETS) {
    await t.test(what, () => {
      const dropped: string[] = []
      assert.deepEqual(
        usableMx(records, ({ exchange }, why) => dropped.push(`${exchange}: ${why}`)),
        usable,
      )
      assert.deepEqual(dropped, expected)
    })
  }
})
