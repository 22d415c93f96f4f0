import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InetPrefer, MxAnswer } from '../../lib/model/dns-answer'
import { FakeClock, TEST_TUNING, testResolver } from '../support/dns-resolver'
import {
  a,
  cname,
  fails,
  mx,
  nullMx,
  startScripted,
  type Script,
  type ScriptedServer,
  type ZoneData,
} from '../support/dns-scripted'
import {
  aaaaRecord,
  aRecord,
  mxRecord,
  nsRecord,
  optRecord,
  RCODES,
  soaRecord,
  TYPES,
} from '../support/dns-wire'
import { resolverWithZone, found } from '../support/dns-zone-resolver'
import { type Pass, stopTime } from '../support/stopped-time'

const summary = (answer: MxAnswer): unknown => {
  if (answer.kind === 'failed') return answer.error.code
  return answer.kind === 'mx' ? answer.records.map((r) => `${r.priority} ${r.exchange}`) : answer.kind
}

const ZONE: Record<string, readonly ZoneData[]> = {
  'sorted.example': [mx(20, 'c.example'), mx(10, 'b.example'), mx(10, 'A.example')],
  'null.example': [nullMx()],
  'mixed.example': [nullMx(), mx(10, 'a.example')],
  'literal.example': [mx(10, '192.0.2.1'), mx(20, 'a.example')],
  'blank.example': [mx(10, 'a b.example'), mx(20, 'a.example')],
  'rubbish.example': [mx(10, '192.0.2.1'), mx(20, '2001:db8::1')],
  'dotted.example': [mx(10, 'a\\.b.example'), mx(20, 'a.example')],
  'alias.example': [cname('sorted.example')],
  'ring.example': [cname('ring.example')],
  'address.example': [a('192.0.2.1')],
  'broken.example': [fails()],
  'refused.example': [fails('REFUSED')],
  'silent.example': [fails('SILENT')],
}

const DOMAINS: readonly (readonly [domain: string, summary: unknown, why: string])[] = [
  ['sorted.example', ['10 b.example', '10 a.example', '20 c.example'], 'by priority, equals as they came'],
  ['null.example', 'nullmx', 'a null MX alone (RFC 7505)'],
  ['mixed.example', ['10 a.example'], 'a null MX beside a real one is ignored'],
  ['literal.example', ['20 a.example'], 'an MX that names an IP address is skipped'],
  ['blank.example', ['20 a.example'], 'an MX that does not name a host is skipped'],
  ['rubbish.example', 'EBADMX', 'no MX names a host: not a reason to bounce'],
  ['dotted.example', 'EBADRESP', 'a label with a dot makes the reply void (RFC 2181 11)'],
  ['alias.example', ['10 b.example', '10 a.example', '20 c.example'], 'over a CNAME'],
  ['ring.example', 'EBADRESP', 'a CNAME to itself'],
  ['address.example', 'nodata', 'the name exists, an MX does not'],
  ['none.example', 'nxdomain', 'the name does not exist'],
  ['broken.example', 'ESERVFAIL', 'SERVFAIL is not an absence'],
  ['refused.example', 'EREFUSED', 'REFUSED is not an absence'],
  ['silent.example', 'ETIMEOUT', 'no reply is not an absence'],
  ['a..b', 'nxdomain', 'a text that is not a name does not exist'],
  ['a b.example', 'nxdomain', 'a text that is not a name does not exist'],
]

/** The next question is not answered. */
async function letTimeOut(pass: Pass, { queries, received }: ScriptedServer): Promise<void> {
  const before = queries.length
  for (let tries = 1; tries <= TEST_TUNING.tries; tries++) {
    await received(before + tries)
    pass(TEST_TUNING.timeoutMs)
  }
}

test('the MX answer of a domain and its verdict', async (t) => {
  const { resolver, zone, lines } = await resolverWithZone(t, ZONE, { tuning: { failureTtlSeconds: 300 } })
  for (const [domain, expected, why] of DOMAINS) {
    await t.test(`${domain}: ${why}`, async (each) => {
      if (expected === 'ETIMEOUT') void letTimeOut(stopTime(each), zone)
      const answer = await resolver.mx(domain)
      assert.deepEqual(summary(answer), expected)
      assert.deepEqual(summary(await resolver.mx(domain)), expected, 'remembered')
      if (answer.kind === 'failed') assert.equal(answer.error.temporary, true)
    })
  }
  assert.deepEqual(
    lines.filter((line) => line.includes(' MX ')),
    [
      'warn MX 0 "" of mixed.example is skipped: a null MX beside others',
      'warn MX 10 "192.0.2.1" of literal.example is skipped: an IP address',
      'warn MX 10 "a b.example" of blank.example is skipped: not a host name',
      'warn MX 10 "192.0.2.1" of rubbish.example is skipped: an IP address',
      'warn MX 20 "2001:db8::1" of rubbish.example is skipped: an IP address',
    ],
    'each once, not at every hit',
  )
})

test('a U-label is sent as its A-label, not as 8-bit text (RFC 5891)', async (t) => {
  const { resolver, zone } = await resolverWithZone(t, { 'gmail.test': [mx(1, 'a.example')] })
  assert.equal(summary(await resolver.mx('ŧmail.test')), 'nxdomain')
  assert.deepEqual(zone.asked, ['MX xn--mail-96a.test'])
})

const REPLIES: readonly (readonly [what: string, script: Script, code: string])[] = [
  ['BADVERS', (query) => query.reply({ additionals: [optRecord(1232, 16)] }), 'EBADVERS'],
  ['a referral', (query) => query.reply({ authorities: [nsRecord('example', 'ns.example')] }), 'EREFERRAL'],
  ['REFUSED', (query) => query.reply({ rcode: RCODES.REFUSED }), 'EREFUSED'],
  ['FORMERR', (query) => query.reply({ rcode: RCODES.FORMERR }), 'EFORMERR'],
  [
    'another owner',
    (query) => query.reply({ answers: [mxRecord('other.example', 1, 'evil.example')] }),
    'EBADRESP',
  ],
  [
    'NXDOMAIN with answer',
    (query) => query.reply({ rcode: 3, answers: [mxRecord(query.name, 1, 'a.x')] }),
    'EBADRESP',
  ],
]

for (const [what, script, code] of REPLIES) {
  test(`${what} is a failure, for MX and for addresses (RFC 2308)`, async (t) => {
    const server = await startScripted(script)
    const resolver = testResolver([server.server])
    t.after(async () => {
      resolver.close()
      await server.stop()
    })
    assert.equal(summary(await resolver.mx('example.com')), code)
    assert.equal(found(await resolver.addresses('host.example', 'v4')), code)
  })
}

/** What a family says: its addresses, or a word. */
type Family = readonly string[] | 'nodata' | 'nxdomain' | 'servfail' | 'silent'

const FAMILIES: readonly (readonly [v4: Family, v6: Family, found: unknown, why: string])[] = [
  [['192.0.2.1', '192.0.2.2'], ['2001:db8::1'], ['192.0.2.1', '192.0.2.2', '2001:db8::1'], 'both'],
  [['192.0.2.1'], 'nodata', ['192.0.2.1'], 'one'],
  ['nodata', ['2001:db8::1'], ['2001:db8::1'], 'the other'],
  [['192.0.2.1'], 'servfail', ['192.0.2.1'], 'one that fails does not spoil the other'],
  ['silent', ['2001:db8::1'], ['2001:db8::1'], 'nor one that times out'],
  ['nodata', 'nodata', 'none', 'neither: no addresses'],
  ['nxdomain', 'nxdomain', 'none', 'no name'],
  ['nodata', 'servfail', 'ESERVFAIL', 'absent and failed is failed (RFC 5321 5.1)'],
  ['silent', 'nodata', 'ETIMEOUT', 'absent and timed out is failed'],
  ['servfail', 'servfail', 'ESERVFAIL', 'both failed'],
]

const saying =
  (v4: Family, v6: Family): Script =>
  (query) => {
    const family = query.type === TYPES.A ? v4 : v6
    const record = query.type === TYPES.A ? aRecord : aaaaRecord
    if (family === 'silent') return
    if (family === 'servfail') query.reply({ rcode: RCODES.SERVFAIL })
    else if (typeof family === 'string')
      query.reply({ rcode: family === 'nxdomain' ? RCODES.NXDOMAIN : 0, authorities: [soaRecord('', 60)] })
    else query.reply({ answers: family.map((address) => record(query.name, address)) })
  }

test('the addresses of a host and their verdict', async (t) => {
  for (const [v4, v6, expected, why] of FAMILIES) {
    await t.test(why, async () => {
      const server = await startScripted(saying(v4, v6))
      const isSilent = v4 === 'silent'
      const resolver = testResolver([server.server], { tuning: isSilent ? { timeoutMs: 2_000 } : {} })
      const answers = [
        await resolver.addresses('Host.example.', 'v4'),
        await resolver.addresses('host.example', 'v6'),
      ]
      resolver.close()
      await server.stop()
      for (const answer of answers) assert.deepEqual(found(answer), expected)
    })
  }
})

const ORDERS: readonly (readonly [prefer: InetPrefer, families: string])[] = [
  ['v4', '446666'],
  ['v6', '666644'],
  ['default', '666644'],
]

test('addresses are ordered by inet_prefer, and at random within a family', async (t) => {
  const v6 = ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8::4']
  const v4 = ['192.0.2.1', '192.0.2.2']
  const { resolver, zone } = await resolverWithZone(t, {
    'host.example': [...v4, ...v6].map((address) => a(address)),
  })
  const orders = new Set<string>()
  for (const [prefer, families] of ORDERS) {
    for (let i = 0; i < 200; i++) {
      const answer = await resolver.addresses('host.example', prefer)
      assert.ok(answer.kind === 'addresses')
      assert.equal(answer.addresses.map((address) => (address.includes(':') ? 6 : 4)).join(''), families)
      orders.add(answer.addresses.filter((address) => address.includes(':')).join())
    }
  }
  assert.equal(orders.size, 24, 'every order of four was seen')
  assert.deepEqual(zone.asked.toSorted(), ['A host.example', 'AAAA host.example'])
})

test('an IP address needs no query', async (t) => {
  const { resolver, zone } = await resolverWithZone(t, {})
  for (const address of ['192.0.2.1', '2001:db8::1']) {
    assert.deepEqual(found(await resolver.addresses(address, 'v4')), [address])
    assert.deepEqual(found(await resolver.relayAddresses(address, 'v4')), [address])
  }
  assert.deepEqual(zone.asked, [])
})

test('a cached answer is returned without a promise, with the smaller of the TTLs', async (t) => {
  const clock = new FakeClock()
  const { resolver } = await resolverWithZone(
    t,
    {
      'example.com': [mx(10, 'mx.example.com', 50)],
      'mx.example.com': [a('192.0.2.1', 40), a('2001:db8::1', 30)],
    },
    { now: clock.now },
  )
  const asked = resolver.mx('example.com')
  assert.ok(asked instanceof Promise)
  await asked
  const { how, ttlSeconds } = (await resolver.addresses('mx.example.com', 'v4')) as {
    how: string
    ttlSeconds: number
  }
  assert.deepEqual({ how, ttlSeconds }, { how: 'fresh', ttlSeconds: 30 })
  clock.pass(10)
  const known = resolver.mx('example.com')
  assert.deepEqual(!(known instanceof Promise) && known.kind === 'mx' && [known.how, known.ttlSeconds], [
    'cached',
    40,
  ])
  const addresses = resolver.addresses('mx.example.com', 'v6')
  assert.ok(!(addresses instanceof Promise))
  assert.deepEqual(
    addresses.kind === 'addresses' && [addresses.how, addresses.ttlSeconds, ...addresses.addresses],
    ['cached', 20, '2001:db8::1', '192.0.2.1'],
  )
  const { hits, misses } = resolver.stats()
  assert.deepEqual({ hits, misses }, { hits: 3, misses: 3 }, 'each question counts once')
  clock.pass(20)
  assert.ok(resolver.addresses('mx.example.com', 'v6') instanceof Promise)
})
