import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LongTextBuilder } from '../../lib/model/long-text'

/** Pieces with ends of lines in every place, also between CR and LF. */
const pieces = fc.array(fc.string({ unit: fc.constantFrom('a', '\n', '\r', ' '), maxLength: 5 }))

function build(given: readonly string[]): readonly string[] {
  const builder = new LongTextBuilder()
  for (const piece of given) builder.add(piece)
  return builder.build()
}

describe('a long text', () => {
  it('has all characters of its pieces, and each part but the last ends with a whole end of a line', () => {
    fc.assert(
      fc.property(pieces, (given) => {
        const parts = build(given)
        assert.equal(parts.join(''), given.join(''))
        assert.ok(parts.every((part) => part !== ''))
        for (const [index, part] of parts.slice(0, -1).entries()) {
          assert.match(part, /[\r\n]$/)
          assert.ok(!(part.endsWith('\r') && parts[index + 1]!.startsWith('\n')))
        }
      }),
    )
  })

  it('has many parts where pieces end within lines', () => {
    assert.deepEqual(build(['a\nb', 'c\r', '\nd\re', '', 'f']), ['a\n', 'bc\r\nd\r', 'ef'])
  })
})
