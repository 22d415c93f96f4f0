import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Exchange } from '../../lib/model/exchange'
import { planAttempts } from '../../lib/rules/attempts-plan'
import { relayExchange } from '../support/servers'

const relay = (name: string) => relayExchange({ name, host: `${name}.example.net` }, 10, { kind: 'attempts' })
const nameOf = (exchange: Exchange) => exchange.relay?.name

const three = ['a', 'b', 'c'].map(relay)

function words(...args: Parameters<typeof planAttempts>): string {
  const plan = planAttempts(...args)
  return plan.kind === 'relay' ? [plan.relay, ...plan.fallbackRelays].map(nameOf).join('') : plan.kind
}

describe('attempts are direct first, then by relay', () => {
  for (const [direct, relays, retries, rotationOffset, expected] of [
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
    it(`direct=${direct} relay=${relays}, attempt ${retries}, rotation offset ${rotationOffset}: ${expected}`, () => {
      assert.equal(words({ direct, relay: relays }, three, { retries, rotationOffset }), expected)
    })
  }

  it('uses the next relay that is valid', () => {
    const entry = { direct: 0, relay: 9 }
    assert.equal(
      words(entry, three, { retries: 0, rotationOffset: 0 }, (one) => nameOf(one) !== 'a'),
      'bc',
    )
    assert.equal(
      words(entry, three, { retries: 2, rotationOffset: 0 }, (one) => nameOf(one) === 'b'),
      'b',
    )
  })

  it('keeps the rotation offset if no relay is valid, without delaying mail', () => {
    assert.equal(
      words({ direct: 0, relay: 9 }, three, { retries: 1, rotationOffset: 0 }, () => false),
      'bca',
    )
  })

  it('ends if there are no relays', () => {
    assert.equal(words({ direct: 0, relay: 9 }, [], { retries: 0, rotationOffset: 0 }), 'exhausted')
  })

  it('uses every relay equally often with consecutive rotation offsets', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), fc.nat(8), (offset, retries) => {
        const firsts = three.map(
          (_, index) => words({ direct: 0, relay: 9 }, three, { retries, rotationOffset: offset + index })[0],
        )
        assert.deepEqual(firsts.sort(), ['a', 'b', 'c'])
      }),
    )
  })
})
