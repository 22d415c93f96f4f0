import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LONGEST_REPLY } from '../../lib/model/reply'
import { toPrintable } from '../../lib/model/printable'
import { KNOWN_REPLIES } from '../../lib/rules/known-replies'

// The list that `check` tries the conditions on `$reply` with.

/** What the enhanced codes (RFC 3463, RFC 5248) say that leave no doubt. */
const BY_CODE: readonly (readonly [code: RegExp, meaning: string])[] = [
  [/ [45]\.1\.(?:1|2|3|6|10) /, 'unknown user'],
  [/ [45]\.2\.2 /, 'mailbox full'],
  [/ [45]\.(?:3\.4|2\.3) /, 'size'],
  [/ [45]\.7\.(?:23|25|26) /, 'policy'],
]

test('has some eighty replies, each once, each in the form of $reply', () => {
  assert.ok(KNOWN_REPLIES.length >= 80)
  assert.equal(new Set(KNOWN_REPLIES.map(({ text, from }) => `${from} ${text}`)).size, KNOWN_REPLIES.length)
  for (const { text } of KNOWN_REPLIES) {
    assert.match(text, /^[45]\d\d \S/)
    assert.equal(text, toPrintable(text, { max: LONGEST_REPLY }))
  }
})

test('an unambiguous enhanced code has the meaning of the list', () => {
  for (const [code, meaning] of BY_CODE) {
    const found = KNOWN_REPLIES.filter(({ text }) => code.test(`${text} `))
    assert.ok(found.length > 0, String(code))
    for (const reply of found) assert.equal(reply.meaning, meaning, reply.text)
  }
})

test('every meaning has replies, and an unknown user is never temporary', () => {
  const meanings = new Set(KNOWN_REPLIES.map(({ meaning }) => meaning))
  assert.equal(meanings.size, 9)
  for (const { meaning, text } of KNOWN_REPLIES) if (meaning === 'unknown user') assert.match(text, /^5/)
})
