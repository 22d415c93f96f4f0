import assert from 'node:assert/strict'
import { test } from 'node:test'
import { warnings } from '../../support/lint-warnings'

const REPLIES: readonly (readonly [conditions: string, warning: string | undefined])[] = [
  ['$reply~=/^5.*(S3140|spamhaus|block.?list)/i', undefined],
  ['$reply~=*S3140*', undefined],
  ['$reply~=/^550/', 'recipient-reply $reply~=/^550/ also catches 550 5.1.1 (unknown user)'],
  [
    '$reply~=5*',
    'recipient-reply $reply~=5* also catches 550 5.1.1 (unknown user) and 552 5.2.2 (mailbox full)',
  ],
  ['$reply<>', 'recipient-reply $reply<> also catches 550 5.1.1 (unknown user) and 452 4.2.2 (mailbox full)'],
  [
    '$reply~!*S3140*',
    'recipient-reply $reply~!*S3140* also catches 550 5.1.1 (unknown user) and 452 4.2.2 (mailbox full)',
  ],
  ['$reply~=*5.7.1?*', 'recipient-reply $reply~=*5.7.1?* also catches 550 5.7.1 (unknown user)'],
  ['$reply~=/^550/ $reply~=*spamhaus*', undefined],
  ['$reply~=/^550/ $failed=mail', undefined],
  ['$reply~=/^550/ $failed=rcpt', 'recipient-reply $reply~=/^550/ also catches 550 5.1.1 (unknown user)'],
  ['$reply~=*5.1.1?*', undefined],
  ['$reply=', undefined],
  ['$failed=connect', undefined],
]

for (const [conditions, warning] of REPLIES) {
  test(`${conditions} ${warning === undefined ? 'has no warning' : 'also catches replies about recipients'}`, () => {
    const found = warnings(`* a.test ${conditions} $end`).filter((text) => / \w+-reply /.test(text))
    assert.deepEqual(found, warning === undefined ? [] : [`1:10 ${warning}`])
  })
}
