import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { finish } from '../../lib/model/steps'
import { PatternIndex } from '../../lib/rules/pattern-index'
import { compileWildcard } from '../../lib/rules/wildcard'

const label = fc.string({ unit: fc.constantFrom('a', 'b', '1'), minLength: 1, maxLength: 3 })
const wildLabel = fc.oneof(
  label,
  fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), minLength: 1, maxLength: 3 }),
  fc.constant('*'),
)
const name = (part: fc.Arbitrary<string>) =>
  fc.array(part, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))

/** An index that finds the numbers of the patterns. */
function build(patterns: readonly string[]): { find(domain: string): readonly number[] } {
  const items = patterns.map((pattern, id) => ({ pattern, id }))
  const index = finish(PatternIndex.of(items, ({ id }) => id))
  return { find: (domain) => index.find(domain).map(({ id }) => id) }
}

describe('the index of domain patterns', () => {
  it('finds the same as checking every pattern, in order', () => {
    fc.assert(
      fc.property(fc.array(name(wildLabel), { maxLength: 40 }), name(label), (patterns, domain) => {
        const scan = [...patterns.entries()]
          .filter(([, pattern]) => compileWildcard(pattern)(domain))
          .map(([id]) => id)
        assert.deepEqual(build(patterns).find(domain), scan)
      }),
      { numRuns: 1000 },
    )
  })

  it('distinguishes a suffix from the domain itself', () => {
    const index = build(['*.demon.co.uk', 'demon.co.uk', '*demon.co.uk'])
    assert.deepEqual(index.find('demon.co.uk'), [1, 2])
    assert.deepEqual(index.find('x.y.demon.co.uk'), [0, 2])
    assert.deepEqual(index.find('xdemon.co.uk'), [2])
  })

  it('finds literals', () => {
    const index = build(['[192.0.2.1]', '[192.0.2.*]', '*', '[ipv6:*]'])
    assert.deepEqual(index.find('[192.0.2.1]'), [0, 1, 2])
    assert.deepEqual(index.find('[ipv6:2001:db8::1]'), [2, 3])
  })
})
