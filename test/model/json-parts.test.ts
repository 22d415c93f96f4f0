import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fields } from '../../lib/model/foreign-json'
import { formatParts, JsonText, readPart } from '../../lib/model/json-parts'

const partsOf = (lines: Iterable<string>): (Fields | undefined)[] => [...lines].map(readPart)

test('short lists are one line each, also when empty', () => {
  const lines = [...formatParts({ pid: 7 }, { servers: [{ a: 1 }], holds: [] })]
  assert.deepEqual(lines, ['{"pid":7,"servers":[{"a":1}],"holds":[]}'])
  assert.deepEqual(partsOf(lines), [{ pid: 7, servers: [{ a: 1 }], holds: [] }])
})

test('an entry that is JSON already is written as it is', () => {
  const servers = [{ a: 1 }, new JsonText('{"b":[2]}')]
  assert.deepEqual([...formatParts({}, { servers })], ['{"servers":[{"a":1},{"b":[2]}]}'])
})

test('a line has at most 100 entries of a long list', () => {
  const servers = Array.from({ length: 250 }, (_, key) => ({ key }))
  const parts = partsOf(formatParts({ pid: 7 }, { servers, holds: [{ name: 'isp' }] })).map((part) => part!)
  assert.deepEqual(
    parts.map(({ pid, servers: part, holds }) => [pid, (part as unknown[]).length, holds]),
    [
      [7, 100, [{ name: 'isp' }]],
      [undefined, 100, undefined],
      [undefined, 50, undefined],
    ],
  )
  assert.deepEqual(
    parts.flatMap(({ servers: part }) => part),
    servers,
  )
})

test('a list is read only as far as its lines are requested', () => {
  let made = 0
  function* count(): Generator<number> {
    while (made < 1_000) yield ++made
  }
  const lines = formatParts({}, { numbers: count() })
  assert.equal(made, 0)
  lines.next()
  assert.equal(made, 100)
  lines.next()
  assert.equal(made, 200)
})

test('lines that are not objects are ignored, and lines that are not JSON throw', () => {
  assert.deepEqual(partsOf(['7', 'null', '[]', '{"a":1}']), [undefined, undefined, undefined, { a: 1 }])
  assert.throws(() => readPart(''), SyntaxError)
  assert.throws(() => readPart('{"a"'), SyntaxError)
})
