import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replyAfter } from '../../lib/haraka/message-memory'
import type { Setback } from '../../lib/haraka/delivery/setback'

const LINE = '0123456789abcdef'
const OLD = '550 5.7.1 blocked (S3140)'
const setback = (code?: number): Setback => ({
  failed: 'rcpt',
  text: 'text',
  ...(code === undefined ? {} : { reply: { code, text: `${code} new` } }),
})

const CASES: readonly [string, readonly string[], readonly string[], number | undefined, string][] = [
  ['a reply takes the place of the last', [], [], 451, '451 new'],
  ['without a reply the last one stays', [], [], undefined, OLD],
  ['a server that a rescuing line leads to defers: what it was rescued from stays', [LINE], [LINE], 451, OLD],
  ['it refuses: its reply counts', [LINE], [LINE], 554, '554 new'],
  ['another server than that of the rescuing line', [LINE], [], 451, '451 new'],
  ['a line that reads replies and has rescued nothing', [], [LINE], 451, '451 new'],
]

for (const [what, rescued, sentBy, code, expected] of CASES) {
  test(`$reply after an attempt: ${what}`, () => {
    assert.equal(replyAfter({ reply: OLD, rescued }, setback(code), sentBy), expected)
  })
}
