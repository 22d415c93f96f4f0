import assert from 'node:assert/strict'
import { test } from 'node:test'
import { warnings } from '../../support/lint-warnings'

for (const condition of ['$reply~=*S3410*', '$reply=550']) {
  test(`no known reply meets ${condition}`, () => {
    const found = warnings(`* a.test ${condition} $end`).filter((text) => / \w+-reply /.test(text))
    assert.deepEqual(found, [`1:10 unknown-reply ${condition} catches none of the 93 known replies`])
  })
}

test('trying known replies takes bounded time, however many and long the lines are', () => {
  const line = (n: number, pattern: string) => `x${n}.example a.test $reply~=/${pattern}q${n}z/ $end`
  const many = Array.from({ length: 3_000 }, (_, n) => line(n, '(block.?list|spamhaus).*'))
  const found = warnings(many.join('\n')).filter((text) => text.includes(' unknown-reply '))
  assert.ok(found.length > 300 && found.length < 1_000, String(found.length))
  const heavy = Array.from({ length: 300 }, (_, n) => line(n, '(.{0,30}){0,30}'))
  assert.ok(warnings(heavy.join('\n')).filter((text) => text.includes(' unknown-reply ')).length < 3)
})
