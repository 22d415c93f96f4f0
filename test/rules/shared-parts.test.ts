import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configure, diagnose } from '../support/rules'

describe('parts that lines share', () => {
  it('are one object, and their exchanges are of each line', () => {
    const { lines } = configure(
      'a.example r.example:587 $retries>1 $end\nb.example r.example:587 $retries>1 $end',
    ).rules
    const [a, b] = lines
    assert.equal(a!.target, b!.target)
    assert.equal(a!.conditions, b!.conditions)
    assert.deepEqual([a!.end, b!.end], [true, true])
    assert.deepEqual(
      lines.map(({ exchange }) => exchange?.origin),
      [
        { kind: 'line', line: 1 },
        { kind: 'line', line: 2 },
      ],
    )
  })

  it('are not shared by lines that differ in an option or a port', () => {
    const { lines } = configure(
      'a.example r.example:587 $retries>1\na.example r.example:588 $retries>1 $priority:3',
    ).rules
    assert.deepEqual(
      lines.map(({ exchange, priority }) => [exchange?.endpoint.port, priority]),
      [
        [587, undefined],
        [588, 3],
      ],
    )
  })

  it('have their mistakes and warnings reported for each line', () => {
    const text = [
      'a.example direct',
      'b.example direct',
      'c.example r.example $size=x',
      'd.example r.example $size=x',
    ]
    const found = diagnose(text.join('\n')).map(({ span, code }) => [span.line, span.column, code])
    assert.deepEqual(found, [
      [1, 11, 'missing-sign'],
      [2, 11, 'missing-sign'],
      [3, 27, 'bad-value'],
      [4, 27, 'bad-value'],
    ])
  })

  it('are read from more lines than are remembered', () => {
    const { lines } = configure(
      Array.from({ length: 5_000 }, (_, n) => `a.example r${n}.example:${n + 1000} $retries=${n}`).join('\n'),
    ).rules
    for (const [n, { exchange, conditions }] of lines.entries()) {
      assert.deepEqual(exchange?.endpoint, { host: `r${n}.example`, port: n + 1000 })
      assert.equal(conditions[0]!.text, `$retries=${n}`)
    }
  })
})
