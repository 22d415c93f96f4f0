import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { hashLine } from '../../lib/haraka-files/notes'
import { finish } from '../../lib/model/steps'
import { LineIndex } from '../../lib/status/line-index'
import { configure } from '../support/rules'

const NOW = Date.UTC(2026, 4, 17, 12)

/** The lines of a file, each with so many hits; 0: none. */
function countLines(t: { after: (work: () => void) => void }, lines: readonly (readonly [string, number])[]) {
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-lines-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const hits = lines
    .filter(([, count]) => count > 0)
    .map(([text, count]) => `${hashLine(text)} ${count} ${NOW}\n`)
  writeFileSync(join(folder, 'rule-hits'), [...hits, `${'f'.repeat(16)} 7 ${NOW}\n`].join(''))
  const { rules } = configure(lines.map(([text]) => text).join('\n'))
  const index = finish(LineIndex.of(rules, undefined))
  return { rules, index, counted: finish(index.count(folder)) }
}

const places = (lines: readonly { line: { line: number } }[]) => lines.map(({ line }) => line.line)

test('lines with hits can be listed in file order, by hits, or without hits', (t) => {
  const { counted } = countLines(t, [
    ['a.example x.example', 3],
    ['b.example x.example', 0],
    ['c.example x.example', 9],
    ['d.example x.example', 0],
    ['e.example x.example', 3],
  ])
  assert.deepEqual([counted.length, counted.total, counted.neverHit], [5, 15, 2])
  assert.deepEqual(places(counted.slice(1, 3)), [2, 3, 4])
  assert.deepEqual(counted.slice(2, 1)[0]!.hits, { count: 9, last: NOW })
  assert.deepEqual(places(finish(counted.busiest(2))), [3, 1])
  assert.deepEqual(places(finish(counted.busiest(99))), [3, 1, 5])
  assert.deepEqual(places(finish(counted.sliceOfNeverHit(0, 1))), [2])
  assert.deepEqual(places(finish(counted.sliceOfNeverHit(1, 9))), [4])
})

test('a repeated line has the same hits twice, and its hash finds the first', (t) => {
  const { counted, index, rules } = countLines(t, [
    ['a.example x.example', 4],
    ['b.example x.example', 1],
    ['a.example x.example', 4],
  ])
  assert.deepEqual(
    counted.slice(0, 3).map(({ hits }) => hits?.count),
    [4, 1, 4],
  )
  assert.equal(index.find(hashLine('a.example x.example')), rules.lines[0])
  assert.equal(index.find('f'.repeat(16)), undefined)
})

test('each of very many lines is found by its hash', () => {
  const { rules } = configure(Array.from({ length: 5_000 }, (_, i) => `d${i}.example x.example`).join('\n'))
  const index = finish(LineIndex.of(rules, undefined))
  for (const line of rules.lines) assert.equal(index.find(hashLine(line.text)), line)
  assert.equal(finish(LineIndex.of(rules, index)), index, 'made once')
})
