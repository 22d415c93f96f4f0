import assert from 'node:assert/strict'
import { it } from 'node:test'
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

it('colours only when told to', () => {
  assert.equal(
    formatDiagnostic({ ...diagnostic, suggestion: 'tries' }, { color: true }),
    '\u001b[1mconfig/dns_overrides.ini:3:1:\u001b[0m \u001b[1;31merror:\u001b[0m unknown setting tris\n' +
      '  tris = 2\n  \u001b[1;31m^~~~\u001b[0m\n  did you mean \u001b[32mtries\u001b[0m?',
  )
})

it('shows the part of a very long line that matters', () => {
  const source = `${'x'.repeat(500)}HERE${'y'.repeat(500)}`
  const [, line = '', caret = ''] = formatDiagnostic({
    ...diagnostic,
    source,
    span: { line: 3, column: 501, length: 4 },
  }).split('\n')
  assert.equal(line.slice(caret.indexOf('^'), caret.lastIndexOf('~') + 1), 'HERE')
  assert.ok(line.length < 220)
})

it('puts the caret behind the end of a line', () => {
  const text = formatDiagnostic({ ...diagnostic, source: 'tris =', span: { line: 3, column: 7, length: 1 } })
  assert.equal(text.split('\n')[2], '        ^')
})
