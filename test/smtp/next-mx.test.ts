import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeSession, type Line, play, HELLO, ENVELOPE } from '../support/session-play'

test("from the first recipient on a failure is not the relay's", () => {
  const to = [
    ...HELLO,
    ['S: 250 x'],
    ['C: MAIL FROM:<>'],
    ['S: 250 y'],
    ['C: RCPT TO:<a@d.example>'],
  ] as const
  const conversation = makeSession()
  play(conversation, to)
  assert.equal(conversation.didItsPart, false)
  assert.equal(play(conversation, [['S: 550 no such user']]), '550 no such user')
  assert.equal(conversation.didItsPart, true)
  for (const line of ['C: DATA', 'S: 550 not today', 'C: .', 'S: 451 disk full']) {
    assert.equal(play(conversation, [[line]]), line.slice(3))
  }
})

test('a refused sender is not a failure of the relay, but a request for authentication is', () => {
  for (const [reply, accepted, becomes] of [
    ['550 not you', true, '550 not you'],
    ['451 later', true, '451 later'],
    ['421 going', false, 'it is closing: 421 going'],
    ['530 first AUTH', false, 'it asks for authentication: 530 first AUTH'],
    ['538 first TLS', false, 'it asks for authentication: 538 first TLS'],
  ] as const) {
    const conversation = makeSession()
    assert.equal(play(conversation, [...HELLO, ['S: 250 x'], ['C: MAIL FROM:<>'], [`S: ${reply}`]]), becomes)
    assert.equal(conversation.didItsPart, accepted)
  }
})

test('next_mx = temporary moves on after 4xx to MAIL, all RCPT, DATA and the final dot; other settings do not', () => {
  const rcpt: readonly Line[] = [...ENVELOPE, ['S: 250 y'], ['C: RCPT TO:<a@d.example>']]
  const data: readonly Line[] = [...rcpt, ['S: 250 z'], ['C: DATA']]
  for (const [lines, reply, failure] of [
    [ENVELOPE, '451 later', 'it deferred the sender: 451 later'],
    [rcpt, '451 later', 'it deferred every recipient: 451 later'],
    [data, '451 later', 'it deferred DATA: 451 later'],
    [[...data, ['S: 354 go'], ['C: .']], '451 later', 'it deferred the message: 451 later'],
    [rcpt, '550 never', undefined],
    [data, '554 never', undefined],
  ] as const) {
    for (const nextMx of ['no_answer', 'connection', 'temporary'] as const) {
      const conversation = makeSession({ nextMx })
      const becomes = play(conversation, [...(lines as readonly Line[]), [`S: ${reply}`]])
      assert.equal(becomes, nextMx === 'temporary' && failure !== undefined ? failure : reply)
      assert.equal(conversation.didItsPart, true)
    }
  }
})

test('next_mx = temporary: one recipient that is accepted or refused keeps the message at the server', () => {
  for (const [first, second, moves] of [
    ['451 later', '452 later', true],
    ['250 fine', '451 later', false],
    ['451 later', '550 never', false],
    ['550 never', '451 later', false],
  ] as const) {
    const conversation = makeSession({ nextMx: 'temporary', recipients: 2 })
    const becomes = play(conversation, [
      ...ENVELOPE,
      ['S: 250 y'],
      ['C: RCPT TO:<a@d.example>'],
      [`S: ${first}`],
      ['C: RCPT TO:<b@d.example>'],
      [`S: ${second}`],
    ])
    assert.equal(becomes, moves ? `it deferred every recipient: ${second}` : second)
  }
})
