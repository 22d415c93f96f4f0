import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LogEntry, writeEntry } from '../../lib/haraka/log-entry'
import type { Loggable } from '../../lib/haraka-objects/plugin'

/** What Haraka's logger is given. */
function parametersOf(entry: LogEntry): unknown[] {
  const parameters: unknown[] = []
  const log = { [`log${entry.level}`]: (...given: unknown[]) => parameters.push(...given) }
  writeEntry(log as unknown as Loggable, entry)
  return parameters
}

test('text and fields are printable and on one line, and a tab keeps the caret in place', () => {
  const fields = { count: 3, one: 'b\n\u001b[2J', many: ['c\u202e', 4] }
  assert.deepEqual(parametersOf({ level: 'warn', text: 'a\tb\u0085\r\nc', fields }), [
    'a\tb\ufffd\ufffd\ufffdc',
    { count: 3, one: 'b\ufffd\ufffd[2J', many: ['c\ufffd', 4] },
  ])
})

test('fields are a plain object, as Haraka requires, or absent', () => {
  const [, fields] = parametersOf({ level: 'info', text: 'a', fields: { b: 1 } })
  assert.equal((fields as object).constructor, Object)
  assert.deepEqual(parametersOf({ level: 'info', text: 'a' }), ['a'])
})

test('a long text is cut, with a mark', () => {
  const [text, fields] = parametersOf({
    level: 'info',
    text: 'x'.repeat(3_000),
    fields: { one: 'y'.repeat(600), many: Array.from({ length: 60 }, (_, n) => n) },
  })
  assert.equal(text, `${'x'.repeat(2_000)}...`)
  const { one, many } = fields as { one: string; many: unknown[] }
  assert.equal(one, `${'y'.repeat(500)}...`)
  assert.equal(many.length, 51)
  assert.equal(many.at(-1), 'and 10 more')
})
