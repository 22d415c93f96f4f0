import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { displayWidth } from '../../lib/source/display-width'
import { formatDiagnostic } from '../../lib/source/format'
import type { Diagnostic } from '../../lib/source/diagnostic'

const diagnostic: Diagnostic = {
  severity: 'error',
  code: 'unknown-key',
  message: 'unknown setting tris',
  file: 'config/dns_overrides.ini',
  span: { line: 3, column: 1, length: 4 },
  source: 'tris = 2',
}

it('prints place, line and caret', () => {
  assert.equal(
    formatDiagnostic(diagnostic),
    'config/dns_overrides.ini:3:1: error: unknown setting tris\n  tris = 2\n  ^~~~',
  )
})

it('prints what is expected, a suggestion and the other place', () => {
  const related = { line: 1, message: 'first given here' }
  const whole = {
    ...diagnostic,
    severity: 'warning',
    expected: 'a key',
    suggestion: 'tries',
    related,
  } as const
  assert.equal(
    formatDiagnostic(whole),
    [
      'config/dns_overrides.ini:3:1: warning: unknown setting tris',
      '  tris = 2',
      '  ^~~~',
      '  expected: a key',
      '  did you mean tries?',
      '  config/dns_overrides.ini:1: first given here',
    ].join('\n'),
  )
})

it('colours only on request', () => {
  assert.equal(
    formatDiagnostic({ ...diagnostic, suggestion: 'tries' }, { color: true }),
    '\u001b[1mconfig/dns_overrides.ini:3:1:\u001b[0m \u001b[1;31merror:\u001b[0m unknown setting tris\n' +
      '  tris = 2\n  \u001b[1;31m^~~~\u001b[0m\n  did you mean \u001b[32mtries\u001b[0m?',
  )
})

it('shows the relevant part of a very long line', () => {
  const source = `${'x'.repeat(500)}HERE${'y'.repeat(500)}`
  const [, line = '', caret = ''] = formatDiagnostic({
    ...diagnostic,
    source,
    span: { line: 3, column: 501, length: 4 },
  }).split('\n')
  assert.equal(line.slice(caret.indexOf('^'), caret.lastIndexOf('~') + 1), 'HERE')
  assert.ok(line.length < 220)
})

it('puts the caret after the end of a line', () => {
  const text = formatDiagnostic({ ...diagnostic, source: 'tris =', span: { line: 3, column: 7, length: 1 } })
  assert.equal(text.split('\n')[2], '        ^')
})

describe('the caret is below the text it points at', () => {
  /** A line with the marked part between « and », and the lines that are printed of it. */
  const rows: (readonly [name: string, line: string, columns: number, printed: string, caret: string])[] = [
    ['ASCII', '* h «$foo» $end', 120, '* h $foo $end', '    ^~~~'],
    ['a tab before it', '*\th «x»', 120, '*\th x', ' \t  ^'],
    ['wide characters before it', '日本 «x» y', 120, '日本 x y', '     ^'],
    ['wide characters under it', 'a «日本» b', 120, 'a 日本 b', '  ^~~~'],
    ['an emoji of two code units', 'a\u{1f600} «x»', 120, 'a\u{1f600} x', '    ^'],
    ['fullwidth letters', 'ａｂ«c»', 120, 'ａｂc', '    ^'],
    ['a combining mark', 'u\u0308 «x»', 120, 'u\u0308 x', '  ^'],
    [
      'a line as wide as the terminal',
      `${'a'.repeat(17)}«b»`,
      20,
      `${'a'.repeat(17)}b`,
      `${' '.repeat(17)}^`,
    ],
    ['a line wider than the terminal, at its start', '«ab»cdefghijklmnopqrst', 20, 'abcdefghijkl...', '^~'],
    ['in its middle', 'abcdefghijkl«mn»opqrstuvwxyz', 20, '...ijklmnopqrst...', '       ^~'],
    ['at its end', 'abcdefghijklmnopqrstuv«wxyz»', 20, '...opqrstuvwxyz', '           ^~~~'],
    ['after its end', 'abcdefghijklmnopqrstuvwxyz«»', 20, '...opqrstuvwxyz', '               ^'],
    ['a long part', `ab${'c'.repeat(3)}«${'d'.repeat(30)}»`, 20, '...bcccdddddddd...', '       ^~~~~~~~'],
  ]
  for (const [name, line, columns, text, caret] of rows) {
    it(name, () => {
      const start = line.indexOf('«')
      const span = { line: 3, column: start + 1, length: Math.max(1, line.indexOf('»') - start - 1) }
      const source = line.replace(/[«»]/g, '')
      const printed = formatDiagnostic({ ...diagnostic, source, span }, { columns }).split('\n')
      assert.deepEqual(printed.slice(1), [`  ${text}`, `  ${caret}`])
    })
  }

  it('no printed source line is wider than the terminal', () => {
    const units = fc.constantFrom('a', '日', '\u{1f600}', 'u\u0308', ' ')
    fc.assert(
      fc.property(
        fc.string({ unit: units, maxLength: 300 }),
        fc.nat(320),
        fc.integer({ min: 20, max: 200 }),
        (source, column, columns) => {
          const span = { line: 1, column: Math.min(column, source.length) + 1, length: 5 }
          const [, line = '', caret = ''] = formatDiagnostic(
            { ...diagnostic, source, span },
            { columns },
          ).split('\n')
          assert.ok(displayWidth(line) <= columns, line)
          assert.ok(displayWidth(caret) <= columns + 1, caret)
        },
      ),
    )
  })
})

it('explains that a part is masked', () => {
  assert.equal(
    formatDiagnostic({ ...diagnostic, source: 'tris = ****', isMasked: true }),
    [
      'config/dns_overrides.ini:3:1: error: unknown setting tris',
      '  tris = ****',
      '  ^~~~',
      '  note: *** hides what may be a password',
    ].join('\n'),
  )
})
