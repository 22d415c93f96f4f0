import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLEAR, makeSession, play, HELLO } from '../support/session-play'

test('a foreign reply is logged on one line and is cut', () => {
  const said = play(makeSession(), [
    [`S: 554-\u001b[31mred\u0000`, '554-\ufffd[31mred\ufffd'],
    [`S: 554 ${'x'.repeat(500)}`],
  ])
  assert.doesNotMatch(said, /\p{Cc}/u)
  assert.ok(said.length <= 'it greeted with '.length + 500)
})

test('a final reply reaches Haraka printable with at most 500 characters', () => {
  const conversation = makeSession()
  play(conversation, [...HELLO, ['S: 250 x'], ['C: MAIL FROM:<>']])
  const shown = [
    `550-5.7.1 one\rtwo\0${'x'.repeat(300)}\r\n`,
    `550-5.7.1 ${'y'.repeat(300)}\n`,
    '550-5.7.1 no room\r\n',
    '550 5.7.1 end\r\n',
  ].map((line) => {
    const verdict = conversation.receive(line, true, CLEAR)
    return verdict.kind === 'pass' ? verdict.line : verdict.kind
  })
  const text = shown.filter((line) => line !== 'drop').map((line) => line.slice(4, -2))
  assert.deepEqual([shown[2], shown[3]], ['drop', '550 \r\n'])
  assert.ok(text.join(' ').length <= 500)
  assert.match(text[0]!, /^5\.7\.1 one\ufffdtwo\ufffdx+$/)
  assert.match(shown[1]!, /^550-5\.7\.1 y+\.\.\.\r\n$/)
})

test('an endless reply is refused, and costs only its lines', () => {
  const conversation = makeSession()
  const started = process.cpuUsage()
  let lines = 0
  const verdicts = Array.from({ length: 100_000 }, () => {
    const verdict = conversation.receive(`220-${'x'.repeat(100)}\r\n`, true, CLEAR)
    if (verdict.kind === 'pass') lines++
    return verdict
  })
  assert.equal(lines, 5, 'and Haraka sees 500 characters')
  assert.deepEqual(verdicts.at(-1), {
    kind: 'fail',
    failure: {
      stage: 'greeting',
      kind: 'connection',
      message: 'its reply has more than 500 lines',
      mayGoClear: false,
      polite: false,
    },
  })
  assert.ok(process.cpuUsage(started).user < 5_000_000, 'one line costs the same as the one before')
})

test('a reply may be a code alone (RFC 5321 4.2)', () => {
  for (const end of ['\r\n', '\n', '\r', '']) {
    const verdict = makeSession().receive(`220${end}`, true, CLEAR)
    assert.deepEqual(verdict, { kind: 'pass', line: '220 \r\n' })
  }
  assert.equal(play(makeSession(), [['S: 554']]), 'it greeted with 554')
  for (const odd of ['2200', '220x', '22']) {
    assert.equal(play(makeSession(), [[`S: ${odd}`]]), `its reply is not SMTP: ${odd}`)
  }
})
