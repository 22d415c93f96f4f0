import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { conditionSpan, patternSpan, prioritySpan, targetSpan } from '../../lib/rules/places'
import { configure } from '../support/rules'

/** The parts of the last line of a text that the spans point at. */
function partsOf(text: string) {
  const line = configure(text).rules.lines.at(-1)!
  const source = text.split('\n')[line.line - 1]!
  const cut = ({ line: number, column, length }: ReturnType<typeof patternSpan>) => {
    assert.equal(number, line.line)
    return source.slice(column - 1, column - 1 + length)
  }
  return {
    pattern: cut(patternSpan(line)),
    target: cut(targetSpan(line)),
    priority: cut(prioritySpan(line)),
    conditions: line.conditions.map((condition) => cut(conditionSpan(line, condition))),
  }
}

describe('the places of the parts of a line', () => {
  it('are those of the file, after tabs and a masked password, and before a comment', () => {
    const text =
      '\t *.Example.COM\t fred:pass$word@r.example $from=a@b.example $PRIORITY:3 $retries>1 ; $size>1'
    assert.deepEqual(partsOf(text), {
      pattern: '*.Example.COM',
      target: 'fred:pass$word@r.example',
      priority: '$PRIORITY:3',
      conditions: ['$from=a@b.example', '$retries>1'],
    })
  })

  it('are those of conditions in another order, and with characters that are not shown', () => {
    const text = 'x.example r.example $dnsmx:*.mx.example $from=a\u00a0\u202eb@c.example $retries>1'
    assert.deepEqual(partsOf(text).conditions, [
      '$from=a\u00a0\u202eb@c.example',
      '$retries>1',
      '$dnsmx:*.mx.example',
    ])
  })

  it('are those of each line, where lines have the same target and conditions', () => {
    const text =
      'a.example r.example:587 $retries>1 $priority:3\n  bb.example r.example:587 $retries>1 $priority:3'
    assert.deepEqual(partsOf(text), {
      pattern: 'bb.example',
      target: 'r.example:587',
      priority: '$priority:3',
      conditions: ['$retries>1'],
    })
  })
})
