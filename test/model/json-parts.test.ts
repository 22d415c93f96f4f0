import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fields } from '../../lib/model/foreign-json'
import { formatParts, readParts } from '../../lib/model/json-parts'

function partsOf(text: string): { parts: Fields[]; steps: number } {
  const parts: Fields[] = []
  const steps = [...readParts(text, (fields) => parts.push(fields))].length
  return { parts, steps }
}

test('short lists are one line, an empty one with them', () => {
  const text = formatParts({ pid: 7 }, { servers: [{ a: 1 }], holds: [] })
  assert.equal(text, '{"pid":7,"servers":[{"a":1}],"holds":[]}')
  assert.deepEqual(partsOf(text), { parts: [{ pid: 7, servers: [{ a: 1 }], holds: [] }], steps: 0 })
})

test('of long lists a line has at most 100 entries, and between lines the reader may stop', () => {
  const servers = Array.from({ length: 250 }, (_, key) => ({ key }))
  const { parts, steps } = partsOf(formatParts({ pid: 7 }, { servers, holds: [{ name: 'isp' }] }))
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
  assert.equal(steps, 2)
})

test('what is not an object is left out, and what is not JSON throws', () => {
  assert.deepEqual(partsOf('7\nnull\n[]\n{"a":1}').parts, [{ a: 1 }])
  assert.deepEqual(partsOf('').parts, [])
  assert.throws(() => partsOf('{"a":1}\n{"a"'), SyntaxError)
})
