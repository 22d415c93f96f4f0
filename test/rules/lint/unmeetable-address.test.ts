import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lint } from '../../../lib/rules/lint'
import { configure } from '../../support/rules'
import { INTERVALS, warnings } from '../../support/lint-warnings'

const UNMEETABLE: readonly (readonly [condition: string, message: string, suggestion?: string])[] = [
  ['$from=@corp.example', 'is never true: an address has a local part before its @', '$from~=*@corp.example'],
  [
    '$from~=@corp.example',
    'is never true: an address has a local part before its @',
    '$from~=*@corp.example',
  ],
  ['$from="joe@corp.example"', 'is never true: an address has no quotes around it', '$from=joe@corp.example'],
  ["$from~='*@corp.example'", 'is never true: an address has no quotes around it', '$from~=*@corp.example'],
  [
    '$from=<joe@corp.example>',
    'is never true: an address is written without angle brackets',
    '$from=joe@corp.example',
  ],
  [
    '$from~=<*@corp.example>',
    'is never true: an address is written without angle brackets',
    '$from~=*@corp.example',
  ],
  [
    '$from==mailto:joe@corp.example',
    'is never true: an address is written without mailto:',
    '$from=joe@corp.example',
  ],
  [
    '$from=Joe<joe@corp.example>',
    'is never true: an address is written without angle brackets',
    '$from=joe@corp.example',
  ],
  ['$from=“joe@corp.example”', 'is never true: an address has no quotes around it', '$from=joe@corp.example'],
  [
    '$from=a@corp.example,b@corp.example',
    'is never true: these are several addresses, and a condition compares with one',
  ],
  ['$rcpt=a@b@corp.example', 'is never true: an address has one @'],
  ['$from=a@corp.example\u00a0$end', 'is never true: the no-break space (U+00A0) is part of the value'],
  ['$from=corp.example', 'is never true: an address has an @', '$from~=*@corp.example'],
  ['$from=joe', 'is never true: an address has an @', '$from~=joe@*'],
  ['$from~=joe', 'is never true: an address has an @', '$from~=joe@*'],
  ['$from=joe@', 'is never true: an address has a domain after its @', '$from~=joe@*'],
  [
    '$from<>@corp.example',
    'is always true: an address has a local part before its @',
    '$from~!*@corp.example',
  ],
  [
    '$from!=<joe@corp.example>',
    'is always true: an address is written without angle brackets',
    '$from<>joe@corp.example',
  ],
  ['$from~!corp.example', 'is always true: an address has an @', '$from~!*@corp.example'],
]

for (const [condition, message, suggestion] of UNMEETABLE) {
  test(`a condition that no address meets: ${condition}`, () => {
    const text = `* a.test ${condition} $end`
    const found = lint(configure(text), { text, retryIntervalsSeconds: INTERVALS }).filter(
      ({ code }) => code === 'unmeetable-address',
    )
    assert.deepEqual(
      found.map(({ span, ...rest }) => [span.column, span.length, rest.message, rest.suggestion]),
      [[10, condition.length, `${condition} ${message}`, suggestion]],
    )
  })
}

for (const condition of [
  '$from=joe@corp.example',
  '$from=',
  '$from=<>',
  '$from<>',
  '$from~=*corp*',
  '$from~=joe?corp.example',
  '$from~=*',
  '$from=postmaster',
  '$from~=/corp/',
  '$from>=m',
  "$from=o'brien@corp.example",
  '$from="joe"@corp.example',
  '$authsender=joe',
  '$authsender=@joe',
]) {
  test(`a condition that an address may meet, or that is not about one: ${condition}`, () => {
    assert.deepEqual(
      warnings(`* a.test ${condition} $end`).filter((warning) => warning.includes(' unmeetable-address ')),
      [],
    )
  })
}

for (const [pattern, condition, isWarned] of [
  ['d.example', '$rcpt=a@other.example', true],
  ['d.example', '$rcpt~=*@other.example', true],
  ['*.d.example', '$rcpt=a@d.example', true],
  ['d.example', '$rcpt=A@D.Example', false],
  ['*.example', '$rcpt~=sales@d.example', false],
  ['bücher.example', '$rcpt=a@xn--bcher-kva.example', false],
  ['d.example', '$rcpt~=*@*.example', false],
  ['d.example', '$rcpt<>a@other.example', false],
  ['d.example', '$from=a@other.example', false],
  ['*', '$rcpt=a@other.example', false],
] as const) {
  test(`a line for ${pattern} with ${condition} ${isWarned ? 'can never match' : 'is not warned of'}`, () => {
    const found = warnings(`${pattern} a.test ${condition} $end`).filter((warning) =>
      warning.includes(' unmeetable-address '),
    )
    const normal = pattern === 'bücher.example' ? 'xn--bcher-kva.example' : pattern
    const message = `${condition} is never true: this line is for recipients of ${normal}`
    assert.equal(found.length, isWarned ? 1 : 0)
    if (isWarned) assert.ok(found[0]!.includes(message), found[0])
  })
}
