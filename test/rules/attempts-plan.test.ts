import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { RelaySettings } from '../../lib/config/types'
import { INLINE_DEFAULTS } from '../../lib/model/nexthop'
import { planAttempts } from '../../lib/rules/attempts-plan'

const relay = (name: string): RelaySettings => ({
  name,
  nexthop: { ...INLINE_DEFAULTS, name, host: `${name}.example.net`, port: 25 },
  span: { line: 1, column: 1, length: 1 },
})

const three = ['a', 'b', 'c'].map(relay)

function words(...args: Parameters<typeof planAttempts>): string {
  const plan = planAttempts(...args)
  return plan.kind === 'relay' ? [plan.relay, ...plan.spares].map(({ name }) => name).join('') : plan.kind
}

describe('direct first, relay after', () => {
  for (const [direct, relays, retries, turn, expected] of [
    [2, 2, 0, 0, 'direct'],
    [2, 2, 1, 5, 'direct'],
    [2, 2, 2, 0, 'abc'],
    [2, 2, 3, 0, 'bca'],
    [2, 2, 4, 0, 'exhausted'],
    [0, 4, 0, 0, 'abc'],
    [0, 4, 3, 0, 'abc'],
    [0, 1, 0, 1, 'bca'],
    [0, 1, 0, 5, 'cab'],
    [3, 0, 3, 0, 'exhausted'],
  ] as const) {
    it(`direct=${direct} relay=${relays}, attempt ${retries}, ticket ${turn}: ${expected}`, () => {
      assert.equal(words({ direct, relay: relays }, three, { retries, turn }), expected)
    })
  }

  it('goes round to the next relay that is valid', () => {
    const entry = { direct: 0, relay: 9 }
    assert.equal(
      words(entry, three, { retries: 0, turn: 0 }, ({ name }) => name !== 'a'),
      'bc',
    )
    assert.equal(
      words(entry, three, { retries: 2, turn: 0 }, ({ name }) => name === 'b'),
      'b',
    )
  })

  it('keeps to the turn where none is valid: mail is not held by it', () => {
    assert.equal(
      words({ direct: 0, relay: 9 }, three, { retries: 1, turn: 0 }, () => false),
      'bca',
    )
  })

  it('has no attempt to make without a relay', () => {
    assert.equal(words({ direct: 0, relay: 9 }, [], { retries: 0, turn: 0 }), 'exhausted')
  })

  it('gives tickets that follow each other every relay as often', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), fc.nat(8), (turn, retries) => {
        const firsts = three.map(
          (_, index) => words({ direct: 0, relay: 9 }, three, { retries, turn: turn + index })[0],
        )
        assert.deepEqual(firsts.sort(), ['a', 'b', 'c'])
      }),
    )
  })
})
