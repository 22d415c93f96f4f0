import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DecisionEntry } from '../../../lib/status/facts'
import { listResults } from '../../../lib/status/decision-result'
import { readQuery } from '../../../lib/status/page/query'
import { filterDecisions } from '../../../lib/status/page/recent-filter'
import { recentSection } from '../../../lib/status/page/recent-section'

const ENTRY: DecisionEntry = {
  key: '1.1',
  id: '',
  file: '',
  at: 0,
  domain: 'one.example',
  sender: '',
  recipients: [],
  otherRecipients: 0,
  size: 0,
  retries: 0,
  source: 'overrides',
  lines: [],
  action: 'try',
  exchanges: [],
  reason: '',
}
const END = { at: 0, delivered: false, connections: [] }
const ENTRIES: readonly DecisionEntry[] = [
  { ...ENTRY, domain: 'tried.example' },
  { ...ENTRY, domain: 'taken.example', end: { ...END, delivered: true } },
  { ...ENTRY, domain: 'failed.example', end: END },
  { ...ENTRY, domain: 'held.example', action: 'hold', wait: 'held', end: END },
  { ...ENTRY, domain: 'held-later.example', wait: 'held', end: END },
  { ...ENTRY, domain: 'full.example', action: 'wait', wait: 'quota', end: END },
  { ...ENTRY, domain: 'no-dns.example', action: 'wait', source: 'attempts' },
  { ...ENTRY, domain: 'later.example', action: 'defer', source: 'dns' },
  { ...ENTRY, domain: 'xn--mnchen-3ya.example', action: 'bounce', source: 'dns' },
]

const show = (query: string) =>
  filterDecisions(ENTRIES, readQuery(new URLSearchParams(query)).recent)
    .map(({ entry }) => entry.domain.replace('.example', ''))
    .join(' ')

test('decisions are found by recipient domain, source and result', () => {
  const all = 'tried taken failed held held-later full no-dns later xn--mnchen-3ya'
  for (const [query, found] of [
    ['', all],
    ['result=under+way', 'tried'],
    ['result=delivered', 'taken'],
    ['result=not+delivered', 'failed'],
    ['result=held', 'held held-later'],
    ['result=waiting', 'full no-dns'],
    ['result=deferred', 'later'],
    ['result=bounced', 'xn--mnchen-3ya'],
    ['by=dns', 'later xn--mnchen-3ya'],
    ['by=attempts&result=waiting', 'no-dns'],
    ['by=attempts&result=held', ''],
    ['domain=Held.Ex', 'held'],
    ['domain=u@full.example', 'full'],
    ['domain=m%C3%BCnchen.example', 'xn--mnchen-3ya'],
    ['by=nobody&result=constructor', all],
    [`domain=${'x'.repeat(100_000)}`, ''],
  ] as const) {
    assert.equal(show(query), found, query)
  }
})

test('50 of many decisions are shown at once, and links to the others keep the filter', () => {
  const decisions = Array.from({ length: 1_000 }, (_, i) => ({ ...ENTRY, id: `${i}.1` }))
  const facts = { decisions } as never
  const page = (query: string) =>
    recentSection({ facts } as never, readQuery(new URLSearchParams(query))).markup
  assert.equal(page('').split('<tr ').length, 52)
  assert.match(page('domain=one&decision=50'), /51 to 100 of 1000 decisions, among the last 1000/)
  assert.match(page('domain=one&by=overrides'), /href="\?domain=one&amp;by=overrides&amp;decision=50#recent"/)
  assert.match(page('domain=%22%3E%3Cb%3E'), /value="&quot;&gt;&lt;b&gt;"/)
})

test('an earlier decision of a message has waited, and its last one still waits', () => {
  const waiting = { ...ENTRY, id: 'A.1', action: 'wait', wait: 'connections', end: END } as const
  const held = { ...ENTRY, id: 'B.1', action: 'hold', wait: 'held', end: END } as const
  const results = listResults([
    { ...ENTRY, id: 'A.1', end: { ...END, delivered: true } },
    held,
    waiting,
    held,
    { ...waiting, id: '' },
    { ...waiting, id: '' },
  ])
  assert.deepEqual(
    results.map(({ result }) => result),
    ['delivered', 'held', 'waited', 'waited', 'waiting', 'waiting'],
  )
})

test('with Redis the list says that it has the decisions of this server alone', () => {
  const captionOf = (facts: object) =>
    /<caption>(.*?)<\/caption>/.exec(
      recentSection({ facts: { decisions: [ENTRY], ...facts } } as never, readQuery(new URLSearchParams()))
        .markup,
    )![1]
  assert.match(captionOf({})!, /^1 to 1 of 1 decision, newest first\./)
  assert.match(captionOf({ redisUp: true })!, /^1 to 1 of 1 decision, of this server alone, newest first\./)
})
