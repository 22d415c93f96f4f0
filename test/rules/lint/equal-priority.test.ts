import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lint } from '../../../lib/rules/lint'
import { configure } from '../../support/rules'
import { INTERVALS, warnings } from '../../support/lint-warnings'

const equalPriority = (line: number, earlier: number, priority = 10) =>
  `${line}:1 equal-priority line ${earlier} can match the same message, and both servers have priority ${priority}: which is tried first is random`

const EQUAL: readonly (readonly [name: string, text: string, warns: readonly string[]])[] = [
  ['a domain and then all', 'gmail.com a.test\n* b.test', [equalPriority(2, 1)]],
  ['all and then a domain', '* a.test\ngmail.com b.test', [equalPriority(2, 1)]],
  ['wildcards that overlap', 'mail.* a.test\n*.example b.test', [equalPriority(2, 1)]],
  ['conditions that can both hold', '* a.test $retries>=2\n* b.test $retries>=4', [equalPriority(2, 1)]],
  [
    'two relays',
    `[relay:x]\nhost = a.test\n[relay:y]\nhost = b.test\n[overrides]\n* @x\n* @y`,
    [equalPriority(7, 6)],
  ],
  ['the first of three', '* a.test\n* b.test\n* c.test', [equalPriority(2, 1), equalPriority(3, 1)]],
  ['$end on the earlier line', 'gmail.com a.test $end\n* b.test', []],
  ['$end on the later line only', 'gmail.com a.test\n* b.test $end', [equalPriority(2, 1)]],
  ['a written priority', 'gmail.com a.test $priority:10\n* b.test', []],
  ['a written priority on the later line', 'gmail.com a.test\n* b.test $priority:10', []],
  ['the priority of a relay', `[relay:x]\nhost = a.test\npriority = 10\n[overrides]\n* @x\n* b.test`, []],
  ['the same server', 'gmail.com a.test\n* a.test:25 $retries>2 $end', []],
  ['other domains', '*.example a.test\n*.test b.test', []],
  ['conditions that exclude each other', '* a.test $retries<2\n* b.test $retries>=2', []],
  ['$direct, which keeps the priorities of DNS', '* $direct\n* a.test', []],
]

for (const [name, text, warns] of EQUAL) {
  test(`lines of equal priority: ${name}`, () =>
    assert.deepEqual(
      warnings(text).filter((warning) => warning.includes(' equal-priority ')),
      warns,
    ))
}

test('lines of equal priority are found among 100,000 lines in bounded time', () => {
  const count = 100_000
  for (const line of [
    (index: number) => `d${index}.example h${index % 7}.test`,
    (index: number) => `*.d${index}.example h${index % 7}.test`,
    (index: number) => `*.d${index}.example h${index % 7}.test $end`,
  ]) {
    const text = [...Array.from({ length: count }, (_, index) => line(index)), '*.d5.* last.test'].join('\n')
    const configuration = configure(text)
    const begin = process.cpuUsage().user
    const found = lint(configuration, { text, retryIntervalsSeconds: INTERVALS })
    const seconds = (process.cpuUsage().user - begin) / 1e6
    assert.ok(seconds < 15, `${seconds} s`)
    assert.ok(found.length <= 1)
  }
})
