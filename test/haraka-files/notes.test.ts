import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addAttempt,
  hashLine,
  MOST_RESCUES,
  readNotes,
  writeNotes,
  type AttemptNote,
} from '../../lib/haraka-files/notes'

const ATTEMPT: AttemptNote = {
  at: 1_779_000_000_000,
  by: 'line 3',
  server: 'relay isp',
  tls: true,
  failed: 'rcpt',
  text: '550 5.7.1 blocked',
}

test('notes are the same after writing and reading', () => {
  const notes = addAttempt(
    {
      attempts: 2,
      authSender: 'joe',
      rotationOffset: 7,
      reply: '550 5.7.1 blocked',
      failed: 'rcpt',
      rescued: [hashLine('* @isp $reply~=*blocked*')],
      history: [],
    },
    ATTEMPT,
  )
  assert.deepEqual(readNotes(JSON.parse(JSON.stringify(writeNotes(notes)))), notes)
})

test('notes of the first version can be read', () => {
  const { attempts, authSender, rotationOffset, reply, failed, history } = readNotes({
    attempts: 2,
    auth_sender: 'joe',
    rotation_offset: 7,
  })
  assert.deepEqual([attempts, authSender, rotationOffset, reply, failed, history], [2, 'joe', 7, '', '', []])
})

const STRANGE: readonly unknown[] = [
  undefined,
  null,
  5,
  'text',
  [1, 2],
  {
    attempts: -1,
    rotation_offset: 1.5,
    auth_sender: 3,
    reply: {},
    failed: 'else',
    rescued: 'x',
    history: {},
  },
  {
    attempts: '4',
    rotation_offset: null,
    reply: null,
    failed: 0,
    rescued: [1, 'zz', '../../x'],
    history: [1, null, []],
  },
]

for (const [index, value] of STRANGE.entries()) {
  test(`malformed notes are read as empty: row ${index}`, () => {
    const notes = readNotes(value)
    assert.deepEqual(notes, {
      attempts: 0,
      authSender: '',
      rotationOffset: 0,
      reply: '',
      failed: '',
      rescued: [],
      history: [],
    })
  })
}

test('an attempt of another shape is read as far as possible', () => {
  const { history } = readNotes({ history: [{ at: 'x', by: 5, text: 'a\nb' }] })
  assert.deepEqual(history, [{ at: 0, by: '', server: '', tls: false, failed: '', text: 'a\ufffdb' }])
})

test('replies read from a queue file are bounded and printable', () => {
  const hostile = `550 \u001b[2J\0\r\n${'x'.repeat(70_000)}`
  const { reply, history } = readNotes({ reply: hostile, history: [{ ...ATTEMPT, text: hostile }] })
  for (const text of [reply, history[0]!.text]) {
    assert.equal(text.length, 500)
    assert.doesNotMatch(text, /\p{Cc}/u)
  }
})

test('the last 20 attempts and a bounded number of rescues are kept', () => {
  let notes = readNotes({ rescued: Array.from({ length: 500 }, (_, i) => hashLine(String(i))) })
  assert.equal(notes.rescued.length, MOST_RESCUES)
  for (let at = 1; at <= 25; at++) notes = addAttempt(notes, { ...ATTEMPT, at })
  assert.deepEqual(
    notes.history.map(({ at }) => at),
    Array.from({ length: 20 }, (_, i) => i + 6),
  )
})

test('the hash of a line depends on its text, not on its place or indentation', () => {
  assert.equal(hashLine('* @isp $reply~=*a*'), hashLine('  * @isp $reply~=*a*'))
  assert.notEqual(hashLine('* @isp $reply~=*a*'), hashLine('* @isp $reply~=*b*'))
})
