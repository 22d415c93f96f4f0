import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lint } from '../../../lib/rules/lint'
import { configure } from '../../support/rules'
import { INTERVALS } from '../../support/lint-warnings'

test('many lines about the same domains are checked in bounded time', () => {
  const lines = Array.from(
    { length: 20_000 },
    (_, index) => `* s${index % 7}.test $from=u${index}@corp.example $end`,
  )
  const text = [...lines, '* a.test $retries<0'].join('\n')
  const configuration = configure(text)
  const begin = process.cpuUsage().user
  const found = lint(configuration, { text, retryIntervalsSeconds: INTERVALS })
  const seconds = (process.cpuUsage().user - begin) / 1e6
  assert.ok(seconds < 15, `${seconds} s`)
  assert.ok(found.some(({ code }) => code === 'contradiction'))
})

test('many patterns with odd wildcards are checked in bounded time', () => {
  const count = 20_000
  const many = (line: (index: number) => string) => Array.from({ length: count }, (_, index) => line(index))
  const text = [
    ...many((index) => `*a*${index}*b*c* s.test`),
    '* a.test $retries<0',
    '[attempts]',
    ...many((index) => `d${index}.example direct=1 relay=0`),
    'd5.example direct=2 relay=0',
  ].join('\n')
  const configuration = configure(text)
  const begin = process.cpuUsage().user
  const found = lint(configuration, { text, retryIntervalsSeconds: INTERVALS })
  const seconds = (process.cpuUsage().user - begin) / 1e6
  assert.ok(seconds < 15, `${seconds} s`)
  assert.deepEqual(
    found.map(({ code, span }) => [code, span.line]),
    [
      ['contradiction', count + 1],
      ['unreachable-attempts', 2 * count + 3],
    ],
  )
})
