import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { exchangeJson } from '../../lib/status/explanation'
import { runExpectations } from '../../lib/rules/expectations'
import { lint } from '../../lib/rules/lint'
import { configure, decideBy } from '../support/rules'

const TERMS =
  '[direct]\nport = 26\n[direct:ms]\nport = 27\ntls = required\n[relay:isp]\nhost = relay.example\n[overrides]\n'
const MX = '10:mx1.example.com,20:mx2.example.com'

/** Exchanges as `priority host:port (line) name`. */
async function exchangesOf(lines: string, mx = MX) {
  const { exchanges } = await decideBy(TERMS + lines, {}, mx)
  return exchanges.map((exchange) => {
    const { exchange: host, port, priority, from, line, name } = exchangeJson(exchange)
    return [priority, `${String(host)}:${String(port)}`, from, line, name]
      .filter((part) => part !== undefined)
      .join(' ')
  })
}

describe('terms of direct mail', () => {
  const rows: (readonly [string, string, readonly string[], string?])[] = [
    [
      '@NAME: the domain’s own MX with DNS priorities, the line and the name',
      'example.com @ms',
      ['10 mx1.example.com:27 dns 9 ms', '20 mx2.example.com:27 dns 9 ms'],
    ],
    ['without a line: [direct]', 'x.example @ms', ['10 mx1.example.com:26 dns', '20 mx2.example.com:26 dns']],
    ['$direct: [direct]', '* $direct', ['10 mx1.example.com:26 dns', '20 mx2.example.com:26 dns']],
    [
      '$adddns: [direct], beside the relay',
      '* @isp $adddns',
      ['10 relay.example:25 overrides 9 isp', '10 mx1.example.com:26 dns', '20 mx2.example.com:26 dns'],
    ],
    [
      'a relay beside terms',
      '* @ms\n* @isp $priority:15',
      [
        '10 mx1.example.com:27 dns 9 ms',
        '15 relay.example:25 overrides 10 isp',
        '20 mx2.example.com:27 dns 9 ms',
      ],
    ],
    [
      'a written $priority changes nothing',
      '* @ms $priority:5',
      ['10 mx1.example.com:27 dns 9 ms', '20 mx2.example.com:27 dns 9 ms'],
    ],
    ['no MX: the domain itself', '* @ms', ['0 example.com:27 dns 9 ms'], 'none'],
    [
      'of two lines both count, where their ports are different',
      '* @ms\n* $direct',
      [
        '10 mx1.example.com:27 dns 9 ms',
        '10 mx1.example.com:26 dns',
        '20 mx2.example.com:27 dns 9 ms',
        '20 mx2.example.com:26 dns',
      ],
    ],
    [
      'the same terms twice count once, by the first line',
      '* @ms\n* @ms $retries=0',
      ['10 mx1.example.com:27 dns 9 ms', '20 mx2.example.com:27 dns 9 ms'],
    ],
  ]
  for (const [title, lines, expected, mx] of rows) {
    it(title, async () => assert.deepEqual(await exchangesOf(lines, mx), expected))
  }

  it('the first of several lines with the same server on different terms is used', async () => {
    const text = '[direct:a]\ntls = required\n[direct:b]\ntls = off\n[overrides]\n* @b\n* @a'
    const { exchanges } = await decideBy(text, {}, MX)
    assert.deepEqual(
      exchanges.map(({ terms }) => terms.tls),
      ['off', 'off'],
    )
  })

  it('end as plain DNS does for null MX, no domain and failing DNS', async () => {
    for (const [mx, outcome] of [
      ['0:.', 'bounce'],
      ['nxdomain', 'bounce'],
      ['fail', 'defer'],
    ] as const) {
      assert.equal((await decideBy(`${TERMS}* @ms`, {}, mx)).outcome, outcome)
    }
  })

  it('apply to direct attempts of [attempts] too', async () => {
    const { exchanges, source } = await decideBy(`${TERMS}[attempts]\n* direct=1 relay=1`, {}, MX)
    assert.deepEqual([source, exchanges[0]?.endpoint.port], ['attempts', 26])
  })

  it('are written in expectations by name, or as direct', () => {
    const tests =
      '<> -> a@example.com mx=10:a.test,20:b.test : @ms\n<> -> a@example.com : direct\n<> -> a@x.example : @ms'
    const results = runExpectations(configure(`${TERMS}example.com @ms\n[tests]\n${tests}`))
    assert.deepEqual(
      results.map(({ met }) => met),
      [true, true, false],
    )
  })

  it('are warned about if nothing uses them or a priority has no effect', () => {
    const text = `${TERMS}* @isp`
    const warn = (file: string) =>
      lint(configure(file), { text: file, retryIntervalsSeconds: [60] }).map(
        ({ code, message }) => `${code}: ${message}`,
      )
    assert.deepEqual(warn(text), ['unused-relay: the terms ms are never used: no override line sends to @ms'])
    assert.deepEqual(warn(`[direct:ms]\n[overrides]\n* @ms $priority:5`), [
      'idle-priority: $priority does nothing here: the exchanges of @ms keep the priorities that DNS gives them',
    ])
  })
})
