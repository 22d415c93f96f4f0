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

/** So long that a matcher whose work grows with the square of the length takes minutes. One that is linear takes some 20 ms. */
const LENGTH = 1_000_000
/** Of processor time: the time of others says nothing. */
const MOST_SECONDS = 10

describe('matching a hostile sender takes time linear in its length', () => {
  for (const [name, condition, letter] of HOSTILE) {
    it(name, () => {
      const parsed = configure(`* smtp.example.net ${condition}`).rules.lines[0]?.conditions[0]
      assert.ok(parsed !== undefined && parsed.kind !== 'mx')
      const hostile = messageOf({ mailFrom: `${letter.repeat(LENGTH)}!` })
      const begin = process.cpuUsage()
      messageHolds(parsed, hostile)
      const seconds = process.cpuUsage(begin).user / 1e6
      assert.ok(seconds < MOST_SECONDS, `${seconds} s`)
    })
  }
})
