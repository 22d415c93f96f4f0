import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LongTextBuilder } from '../../lib/model/long-text'
import { linesOf } from '../../lib/source/lines'

describe('the lines of a text', () => {
  it('are the same wherever it is cut', () => {
    const pieces = fc.array(
      fc.string({ unit: fc.constantFrom('a', '\n', '\r', '\r\n', '\ufeff'), maxLength: 5 }),
    )
    fc.assert(
      fc.property(pieces, (given) => {
        const text = given.join('')
        const builder = new LongTextBuilder()
        for (const piece of given) builder.add(piece)
        // An empty line after the last end of a line is not a line.
        const expected = text
          .replace(/^\ufeff/, '')
          .replace(/(?:\r\n|\n|\r)$/, '')
          .split(/\r\n|\n|\r/)
        const lines = [...linesOf(builder.build())]
        if (lines.length > 0)
          assert.deepEqual(
            lines,
            expected.map((each, index) => ({ line: index + 1, text: each })),
          )
        else assert.match(text, /^\ufeff?$/)
      }),
    )
  })
})
