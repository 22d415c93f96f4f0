import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { diagnose } from '../support/rules'
import { settingsOf, errorOf } from '../support/settings'

describe('[attempts]', () => {
  const relay = '[relay:isp]\nhost = h\n[attempts]\n'

  it('reads entries in order', () => {
    const { attempts } = settingsOf(
      `${relay}example.com direct=2 relay=3 ; as before\n*\tRELAY=1 DIRECT=0\t;`,
    )
    assert.deepEqual(
      attempts.map(({ pattern, direct, relay: by }) => [pattern, direct, by]),
      [
        ['example.com', 2, 3],
        ['*', 0, 1],
      ],
    )
  })

  for (const [line, message] of [
    ['*', '4:1 direct is missing'],
    ['* direct=2', '4:1 relay is missing'],
    ['* direct=2 ; relay=3', '4:1 relay is missing'],
    ['* direct = 2 relay=3', '4:3 white space around "="'],
    ['* direct=2 relay= 3', '4:12 white space around "="'],
    ['* direct =2 relay=3', '4:3 white space around "="'],
    ['* direct=2 relay=3;x', '4:12 bad number of attempts for relay'],
    ['* direct=2 rely=3', '4:12 neither direct=<n> nor relay=<m>'],
    ['* direct=2 relay=2 relay=3', '4:20 relay is given twice'],
    ['* direct=x relay=2', '4:3 bad number of attempts for direct'],
    ['a..b direct=1 relay=1', '4:3 an empty label'],
  ] as const) {
    it(`refuses ${line}`, () => assert.equal(errorOf(`${relay}${line}`), message))
  }

  it('warns of an entry by which every message bounces', () => {
    const text = `${relay}* direct=0 relay=0`
    assert.deepEqual(
      diagnose(text).map(({ severity, code, span }) => [severity, code, span.line]),
      [['warning', 'no-attempts', 4]],
    )
    assert.deepEqual(
      settingsOf(text).attempts.map(({ direct, relay: relayed }) => [direct, relayed]),
      [[0, 0]],
    )
  })

  it('refuses attempts through relays if there are no relays', () => {
    assert.equal(
      errorOf('[attempts]\n* direct=1 relay=1'),
      '2:12 attempts through relays, but the file has no relay',
    )
  })

  it('warns of an entry after the entry for *', () => {
    const warnings = diagnose(`${relay}* direct=1 relay=1\nexample.com direct=1 relay=0`)
    assert.deepEqual(
      warnings.map(({ severity, code, span }) => [severity, code, span.line]),
      [['warning', 'never-reached', 5]],
    )
  })
})
