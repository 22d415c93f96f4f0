import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FindingRounds } from '../../lib/haraka/finding-rounds'

/** Findings as they come in, `worker:key`, and those that are news. */
function newsOf(findings: string): string {
  const rounds = new FindingRounds()
  return findings
    .split(' ')
    .filter((finding) => {
      const [worker, key] = finding.split(':')
      return rounds.isNews(Number(worker), key!)
    })
    .join(' ')
}

const TABLE: [name: string, findings: string, news: string][] = [
  ['a start: the master is heard, its workers have found the same', '0:A 1:A 2:A', '0:A'],
  ['a reload: the first worker is heard', '0:A 1:A 2:A 2:B 1:B', '0:A 2:B'],
  ['a second reload before all have found the first', '0:A 1:A 2:A 1:B 1:C 2:B 2:C', '0:A 1:B 1:C'],
  ['a file that was changed and restored', '0:A 1:A 2:A 1:B 2:B 2:A 1:A', '0:A 1:B 2:A'],
  ['a file that was saved again without a change', '0:A 1:A 2:A 1:A 2:A', '0:A 1:A'],
  ['a worker that replaces another is silent', '0:A 1:A 2:A 3:A 1:B 3:B 4:B', '0:A 1:B'],
  ['a worker that found something else is heard', '0:A 1:A 2:X', '0:A 2:X'],
]

for (const [name, findings, news] of TABLE) {
  test(`a finding of several processes is logged once: ${name}`, () => assert.equal(newsOf(findings), news))
}

test('a bounded number of findings is remembered', () => {
  const rounds = new FindingRounds()
  assert.equal(rounds.isNews(1, 'first'), true)
  assert.equal(rounds.isNews(2, 'first'), false)
  for (let n = 0; n < 40; n++) rounds.isNews(1, `other ${n}`)
  assert.equal(rounds.isNews(3, 'first'), true)
})
