import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatFirst } from '../../lib/source/format-list'
import { MOST_DIAGNOSTICS, Report, spanOf } from '../../lib/source/report'

const line = (number: number) => ({ line: number, text: `line ${number}`, kind: 'overrides' }) as const

describe('the diagnostics of one file', () => {
  it('are kept up to a number, both errors and warnings, and the others are counted', () => {
    let masked = 0
    const report = new Report('f.ini', (text) => {
      masked++
      return text
    })
    for (let number = 1; number <= 3 * MOST_DIAGNOSTICS; number++) {
      report.warning(line(number), spanOf(number, 0, 1), 'doubtful-value', 'w')
    }
    for (let number = 1; number <= MOST_DIAGNOSTICS + 5; number++) {
      report.error(
        line(number),
        spanOf(number, 0, 1),
        'bad-value',
        report.quote(line(number), spanOf(number, 0, 4)),
      )
    }
    const { diagnostics, omitted } = report
    const errors = diagnostics.filter(({ severity }) => severity === 'error')
    assert.deepEqual(
      [errors.length, diagnostics.length - errors.length],
      [MOST_DIAGNOSTICS, MOST_DIAGNOSTICS],
    )
    assert.deepEqual(omitted, { errors: 5, warnings: 2 * MOST_DIAGNOSTICS })
    assert.ok(errors.every(({ message }) => message === 'line'))
    assert.equal(masked, 2 * MOST_DIAGNOSTICS)
    assert.ok(report.hasErrors)
  })

  it('are written up to a number, with the number of the others', () => {
    const report = new Report('f.ini', (text) => text)
    for (const number of [1, 2, 3])
      report.error(line(number), spanOf(number, 0, 4), 'bad-value', `wrong ${number}`)
    assert.deepEqual(formatFirst(report.diagnostics, { most: 2, omitted: 1233 }), [
      'f.ini:1:1: error: wrong 1\n  line 1\n  ^~~~',
      'f.ini:2:1: error: wrong 2\n  line 2\n  ^~~~',
      'and 1,234 more',
    ])
    assert.equal(formatFirst(report.diagnostics, { most: 3 }).length, 3)
  })

  it('say whether a part of the line is masked', () => {
    const report = new Report('f.ini', (text) => text.replace('secret', '******'))
    report.error({ line: 1, text: '* secret', kind: 'overrides' }, spanOf(1, 0, 1), 'bad-value', 'x')
    report.error({ line: 2, text: '* ** $end', kind: 'overrides' }, spanOf(2, 0, 1), 'bad-value', 'x')
    assert.deepEqual(
      report.diagnostics.map(({ isMasked }) => isMasked),
      [true, undefined],
    )
  })
})
