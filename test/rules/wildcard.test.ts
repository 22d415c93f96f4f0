import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compileWildcard } from '../../lib/rules/wildcard'

/** The definition, as slow as it is plain. */
function reference(pattern: string, text: string): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return text === ''
  if (first === '*') {
    return reference(rest.join(''), text) || (text !== '' && reference(pattern, [...text].slice(1).join('')))
  }
  const [character, ...more] = text
  if (character === undefined) return false
  const same = first === '?' || first.toLowerCase() === character.toLowerCase()
  return same && reference(rest.join(''), more.join(''))
}

describe('wildcards', () => {
  const rows: (readonly [string, string, boolean])[] = [
    ['*', '', true],
    ['?', '', false],
    ['?', 'a', true],
    ['?', '😀', true],
    ['??', '😀', false],
    ['A*c', 'aXbC', true],
    ['a*c', 'ab', false],
    ['a**b', 'ab', true],
    ['*a?', 'bab', true],
    ['*a?', 'baba', false],
    ['.', 'a', false],
    ['a+', 'aa', false],
    ['[a]', '[A]', true],
    ['', '', true],
    ['', 'a', false],
    ['Ä*', 'äöü', true],
    ['?x', 'İx', true],
  ]
  for (const [pattern, text, expected] of rows) {
    it(`${pattern} ${expected ? 'matches' : 'does not match'} "${text}"`, () => {
      assert.equal(compileWildcard(pattern)(text), expected)
    })
  }

  it('matches the same as a plain recursive definition', () => {
    const letters = fc.constantFrom('a', 'B', 'b', '*', '?', '😀')
    const pattern = fc.string({ unit: letters, maxLength: 7 })
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '😀'), maxLength: 7 })
    fc.assert(
      fc.property(pattern, text, (p, t) => {
        assert.equal(compileWildcard(p)(t), reference(p, t))
      }),
      { numRuns: 2000 },
    )
  })
})
