import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { a, fails, mx, nullMx, startZone, type ZoneServer } from '../support/dns-scripted'
import { temporaryFolder } from './folder'
import { run, type Ran } from './terminal'

const folder = temporaryFolder()
let zone: ZoneServer
let options: string[]

before(async () => {
  zone = await startZone(
    {
      'example.com': [mx(20, 'mx2.example.com', 240), mx(10, 'mx1.example.com', 240)],
      'mx1.example.com': [a('192.0.2.1', 90), a('2001:db8::1', 90)],
      'mx2.example.com': [a('192.0.2.2', 90)],
      'implicit.example': [a('192.0.2.3', 70)],
      'null.example': [nullMx()],
      'empty.example': [],
      'broken.example': [fails()],
      'half.example': [mx(10, 'mx1.example.com'), mx(20, 'broken.example')],
      'dead.example': [mx(10, 'none.example')],
      'later.example': [mx(10, 'broken.example')],
      'absent.example': [mx(10, 'empty.example')],
      'long.example': [mx(10, 'mx1.example.com', 4_000_000)],
      'relay.example': [a('192.0.2.9')],
    },
    { ttl: 300 },
  )
  const servers = `dns_servers = 127.0.0.1:${zone.port}\n[dns]\ntimeout = 10s\ndeadline = 25s\n`
  const rules =
    '[overrides]\ngmail.com relay.example $end\nlost.example nowhere.example $end\nadd.example relay.example $adddns\n'
  options = ['--config', folder.write('rules.ini', `${servers}${rules}`)]
})

after(() => zone.stop())

interface Resolved {
  readonly domain: string
  readonly outcome: string
  readonly exchanges: readonly {
    readonly exchange: string
    readonly priority: number
    readonly ttl: number
    readonly addresses: readonly string[]
  }[]
  readonly reason?: string
}

async function resolved(domain: string): Promise<Ran & { readonly json: Resolved }> {
  const ran = await run(['resolve', domain, '--json', ...options])
  return { ...ran, json: JSON.parse(ran.out) as Resolved }
}

test('resolve --json: exchanges by priority, with TTLs and addresses', async () => {
  const { status, json } = await resolved('Example.com.')
  assert.equal(status, 0)
  assert.deepEqual(json, {
    domain: 'example.com',
    outcome: 'deliver',
    exchanges: [
      { exchange: 'mx1.example.com', priority: 10, ttl: 240, addresses: ['2001:db8::1', '192.0.2.1'] },
      { exchange: 'mx2.example.com', priority: 20, ttl: 240, addresses: ['192.0.2.2'] },
    ],
  })
})

test('resolve: the implicit MX is the domain itself, with the TTL of its address', async () => {
  const { status, json } = await resolved('implicit.example')
  assert.equal(status, 0)
  assert.deepEqual(json.exchanges, [
    { exchange: 'implicit.example', priority: 0, ttl: 70, addresses: ['192.0.2.3'] },
  ])
})

test('resolve: a TTL is capped at the setting', async () => {
  assert.equal((await resolved('long.example')).json.exchanges[0]?.ttl, 86_400)
})

test('resolve: an address literal needs no DNS', async () => {
  const { status, json } = await resolved('[192.0.2.7]')
  assert.equal(status, 0)
  assert.deepEqual(json.exchanges, [{ exchange: '192.0.2.7', priority: 0, ttl: 0, addresses: ['192.0.2.7'] }])
})

const OUTCOMES: readonly (readonly [string, string, number, number])[] = [
  ['null.example', 'bounce', 68, 0],
  ['nowhere.example', 'bounce', 68, 0],
  ['empty.example', 'bounce', 68, 0],
  ['broken.example', 'defer', 75, 0],
  ['half.example', 'deliver', 0, 2],
  ['dead.example', 'defer', 75, 1],
  ['later.example', 'defer', 75, 1],
  ['absent.example', 'defer', 75, 1],
]

for (const [domain, outcome, exit, exchanges] of OUTCOMES) {
  test(`resolve ${domain}: ${outcome}`, async () => {
    const { status, json } = await resolved(domain)
    assert.equal(json.outcome, outcome)
    assert.equal(status, exit)
    assert.equal(json.exchanges.length, exchanges)
    assert.equal(typeof json.reason, outcome === 'deliver' ? 'undefined' : 'string')
  })
}

test('resolve prints as text what DNS answered, which server answered, and how old the answer is', async () => {
  const { out } = await run(['resolve', 'example.com', ...options])
  assert.equal(
    out,
    `MX of example.com: 10 mx1.example.com, 20 mx2.example.com (fresh, from 127.0.0.1:${zone.port}, 240 s left)
     10  mx1.example.com
         2001:db8::1, 192.0.2.1 (fresh, from 127.0.0.1:${zone.port}, 90 s left)
     20  mx2.example.com
         192.0.2.2 (fresh, from 127.0.0.1:${zone.port}, 90 s left)
`,
  )
  const broken = await run(['resolve', 'null.example', ...options])
  assert.match(broken.out, /Would bounce: null\.example accepts no mail \(null MX\)\n$/)
})

test('explain sends no DNS query if the decision does not depend on it', async () => {
  const asked = zone.asked.length
  for (const recipient of ['a@gmail.com', 'a@lost.example']) {
    const { status, out } = await run(['explain', recipient, ...options, '--json'])
    assert.deepEqual([status, (JSON.parse(out) as Resolved).outcome], [0, 'deliver'], recipient)
  }
  assert.deepEqual(zone.asked.slice(asked), [])
})

test('explain with DNS: a domain with neither MX nor address bounces', async () => {
  const { status, out } = await run(['explain', 'a@empty.example', ...options, '--json'])
  assert.equal(status, 68)
  const { exchanges, reason } = JSON.parse(out) as Resolved
  assert.deepEqual([exchanges, reason], [[], 'empty.example has neither MX nor address'])
})

test('explain with DNS: with an override, the domain itself need not have an address', async () => {
  zone.set('add.example', [])
  const { status } = await run(['explain', 'a@add.example', ...options])
  assert.equal(status, 0)
})

test('diff --lookup asks DNS for MX records, once for each domain', async () => {
  const next = folder.write('next.ini', 'example.com relay.example')
  const messages = folder.write('messages.txt', '<> a@example.com\n<> b@example.com\n')
  const asked = zone.asked.length
  const servers = `dns_servers = 127.0.0.1:${zone.port}\ndns_cache_size = 0\n[overrides]\n* $direct`
  const { out } = await run(['diff', next, folder.write('live.ini', servers), messages, '--lookup'])
  assert.match(out, /\+ mx1\.example\.com:25, mx2\.example\.com:25 \(by line 4\)/)
  assert.deepEqual(zone.asked.slice(asked), ['MX example.com'])
})
