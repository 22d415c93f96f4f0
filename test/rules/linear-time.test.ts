import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { messageHolds } from '../../lib/rules/conditions/condition'
import { configure, messageOf } from '../support/rules'

/** Text that makes a backtracking matcher go through every division of it. */
const HOSTILE: readonly (readonly [string, string, string])[] = [
  ['a wildcard of many stars', '$from~=*a*a*a*a*a*a*a*a*b', 'a'],
  ['a wildcard of stars and question marks', '$from~=*?a?*?a?*?a?*b', 'a'],
  ['nested repetition', '$from~=/^(a+)+$/', 'a'],
  ['alternatives that overlap', '$from~=/^(a|aa|a?)*b/i', 'a'],
  ['repeated wild cards in an expression', '$from~=/.*a.*a.*a.*a.*b/', 'a'],
]

/** The least of several runs: what the machine does besides only ever adds. */
function fastest(run: () => void): number {
  let best = Infinity
  for (let round = 0; round < 7; round++) {
    const start = process.hrtime.bigint()
    run()
    best = Math.min(best, Number(process.hrtime.bigint() - start))
  }
  return best
}

describe('a sender written by a stranger takes time linear in its length', () => {
  for (const [name, condition, letter] of HOSTILE) {
    it(name, () => {
      const parsed = configure(`* smtp.example.net ${condition}`).rules.lines[0]?.conditions[0]
      assert.ok(parsed !== undefined && parsed.kind !== 'mx')
      const time = (length: number) => {
        const hostile = messageOf({ mailFrom: `${letter.repeat(length)}!` })
        return fastest(() => messageHolds(parsed, hostile))
      }
      time(2000)
      // Eight times the text: eight times the time if it is linear, 64 times and more if it is not.
      const growth = time(160_000) / time(20_000)
      assert.ok(growth < 28, `eight times the text took ${growth.toFixed(1)} times as long`)
    })
  }
})
