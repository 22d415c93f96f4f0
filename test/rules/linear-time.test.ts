import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { messageHolds } from '../../lib/rules/conditions/condition'
import { configure, messageOf } from '../support/rules'

/** Text that makes a backtracking matcher go through every division of it. */
const HOSTILE: readonly (readonly [string, string, string])[] = [
  ['a wildcard of many stars', '$from~=*a*aa*aa*aa*aa*aa*aa*ab*!', 'a'],
  ['a wildcard of stars and question marks', '$from~=*?a?*?a?*?a?*b', 'a'],
  ['nested repetition', '$from~=/^(a+)+$/', 'a'],
  ['alternatives that overlap', '$from~=/^(a|aa|a?)*b/i', 'a'],
  ['repeated wild cards in an expression', '$from~=/.*a.*a.*a.*a.*b/', 'a'],
]

/** Rounds before it is said to be slow: what else a machine does only ever adds, and some round goes undisturbed. */
const ROUNDS = 60

function timeOf(run: () => void): number {
  const start = process.hrtime.bigint()
  run()
  return Number(process.hrtime.bigint() - start)
}

/** How many times as long the second takes, by the quickest run of each; no further rounds once that is less than `enough`. */
function growth(short: () => void, long: () => void, enough: number): number {
  let [least, most] = [Infinity, Infinity]
  for (let round = 0; round < ROUNDS && !(most / least < enough); round++) {
    least = Math.min(least, timeOf(short))
    most = Math.min(most, timeOf(long))
  }
  return most / least
}

describe('matching a hostile sender takes time linear in its length', () => {
  for (const [name, condition, letter] of HOSTILE) {
    it(name, () => {
      const parsed = configure(`* smtp.example.net ${condition}`).rules.lines[0]?.conditions[0]
      assert.ok(parsed !== undefined && parsed.kind !== 'mx')
      const match = (length: number) => {
        const hostile = messageOf({ mailFrom: `${letter.repeat(length)}!` })
        return () => void messageHolds(parsed, hostile)
      }
      for (let round = 0; round < 5; round++) match(2000)()
      // Eight times the text: eight times the time if it is linear, 64 times and more if it is not. Both fit in a page of the
      // heap: a larger text has one made for it, which takes longer than a quick match.
      const times = growth(match(10_000), match(80_000), 28)
      assert.ok(times < 28, `eight times the text took ${times.toFixed(1)} times as long`)
    })
  }
})
