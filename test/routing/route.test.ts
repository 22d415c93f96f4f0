import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Resolver } from '../../lib/dns/resolver'
import { route, type Route } from '../../lib/routing/route'
import { decide } from '../../lib/rules/decide'
import { decideWithDns } from '../../lib/routing/decide-with-dns'
import { testResolver } from '../support/dns-resolver'
import { fails, startScripted, startZone, type Script, type ScriptedQuery } from '../support/dns-scripted'
import {
  aRecord,
  encodeMessage,
  encodeQuestion,
  FLAGS,
  mxRecord,
  optRecord,
  RCODES,
  soaRecord,
  TYPES,
  type WireMessage,
} from '../support/dns-wire'
import { BLANK_MESSAGE } from '../../lib/model/message'
import { configure } from '../support/rules'

const { QR, AA, RD, RA } = FLAGS
const DOMAIN = 'example.com'
const message = { ...BLANK_MESSAGE, domain: DOMAIN }

/** What becomes of a message to the domain, by the rules of a file. */
async function carryOut(resolver: Resolver, file = ''): Promise<Route> {
  const decision = await decideWithDns(
    decide,
    { rules: configure(file).rules, message },
    { mx: (domain) => resolver.mx(domain), addresses: (domain) => resolver.addresses(domain, 'v4') },
  )
  return route(decision, resolver, 'v4')
}

async function resolverFor(t: TestContext, script: Script): Promise<Resolver> {
  const server = await startScripted(script)
  const resolver = testResolver([server.server])
  t.after(async () => {
    resolver.close()
    await server.stop()
  })
  return resolver
}

/** `deliver example.com`: the outcome, and the hosts that have an address. */
const summary = ({ outcome, located, noRoute }: Route): string => {
  const hosts = located.flatMap(({ exchange, answer }) =>
    answer.kind === 'addresses' ? [exchange.endpoint.host] : [],
  )
  return [outcome, noRoute?.kind ?? hosts.join()].join(' ')
}

/** What a server says to a question of one type. */
type Said = Partial<WireMessage> | 'servfail'

const SOA = [soaRecord('', 60)]
const nxdomain: Said = { rcode: RCODES.NXDOMAIN, authorities: SOA }
const nxdomainWithoutSoa: Said = { rcode: RCODES.NXDOMAIN }
const nodata: Said = { authorities: SOA }
const authoritative: Said = { flags: QR | AA | RD }
const withoutSoa: Said = { flags: QR | RD | RA }
const lame: Said = { flags: QR | RD }
const address: Said = { answers: [aRecord(DOMAIN, '192.0.2.1')] }
const mx: Said = { answers: [mxRecord(DOMAIN, 10, DOMAIN)] }

const say = (query: ScriptedQuery, said: Said): void =>
  query.reply(said === 'servfail' ? { rcode: RCODES.SERVFAIL } : said)

const CASES: readonly (readonly [what: string, mx: Said, a: Said, aaaa: Said, summary: string])[] = [
  ['an MX, and the name has an address', mx, address, nodata, 'deliver example.com'],
  ['no MX but an address (RFC 5321 5.1)', nodata, address, nodata, 'deliver example.com'],
  ['NXDOMAIN for MX, but an address', nxdomain, address, nodata, 'deliver example.com'],
  [
    'NXDOMAIN for MX and AAAA, and an address (RFC 4074 4.2)',
    nxdomain,
    address,
    nxdomain,
    'deliver example.com',
  ],
  ['an address as the answer to MX', address, address, nodata, 'deliver example.com'],
  ['an empty answer without SOA and recursion, and an address', lame, address, lame, 'deliver example.com'],
  ['NXDOMAIN throughout', nxdomain, nxdomain, nxdomain, 'bounce nxdomain'],
  [
    'NXDOMAIN without SOA throughout',
    nxdomainWithoutSoa,
    nxdomainWithoutSoa,
    nxdomainWithoutSoa,
    'bounce nxdomain',
  ],
  ['NXDOMAIN for MX, and proof that there is no address', nxdomain, nodata, authoritative, 'bounce nxdomain'],
  ['no record, with SOA', nodata, nodata, nodata, 'bounce nodata'],
  ['no record, from the servers of the zone', authoritative, authoritative, authoritative, 'bounce nodata'],
  ['no record, and NXDOMAIN for the addresses', nodata, nxdomain, nxdomain, 'bounce nodata'],
  ['no MX, without proof', withoutSoa, nodata, nodata, 'defer no-address'],
  ['no address, without proof', nodata, withoutSoa, nodata, 'defer no-address'],
  ['no address of the other family, without proof', nodata, nodata, lame, 'defer no-address'],
  ['NXDOMAIN for MX, no address, without proof', nxdomain, nodata, withoutSoa, 'defer no-address'],
  ['an address as the answer to MX, and none to A', address, nodata, nodata, 'defer no-address'],
  ['NXDOMAIN for MX, the address fails', nxdomain, 'servfail', nodata, 'defer dns-failure'],
  ['no MX, the address fails', nodata, 'servfail', nodata, 'defer dns-failure'],
  ['the MX fails, an address is there', 'servfail', address, nodata, 'defer dns-failure'],
]

test('a domain bounces only if it is proven to have neither MX nor address (RFC 5321 5.1, RFC 2308 2)', async (t) => {
  for (const [what, toMx, toA, toAaaa, expected] of CASES) {
    await t.test(`${what}: ${expected}`, async (each) => {
      const resolver = await resolverFor(each, (query) =>
        say(query, query.type === TYPES.MX ? toMx : query.type === TYPES.A ? toA : toAaaa),
      )
      assert.equal(summary(await carryOut(resolver)), expected)
      assert.equal(summary(await carryOut(resolver)), expected, 'remembered')
    })
  }
})

test('if an MX exists, the address of the domain is never used', async (t) => {
  const resolver = await resolverFor(t, (query) => {
    if (query.type === TYPES.MX) say(query, { answers: [mxRecord(DOMAIN, 10, 'mx.example.com')] })
    else say(query, query.name === DOMAIN && query.type === TYPES.A ? address : 'servfail')
  })
  assert.equal(summary(await carryOut(resolver)), 'defer dns-failure')
})

test('NXDOMAIN for AAAA leaves the cached MX and A, so that the second message has the same route', async (t) => {
  const asked: number[] = []
  const resolver = await resolverFor(t, (query) => {
    asked.push(query.type)
    if (query.type === TYPES.MX) say(query, mx)
    else say(query, query.type === TYPES.A ? address : nxdomain)
  })
  for (let i = 0; i < 3; i++) assert.equal(summary(await carryOut(resolver)), 'deliver example.com')
  assert.deepEqual(asked.toSorted(), [TYPES.MX, TYPES.A, TYPES.AAAA].toSorted(), 'each was asked once')
})

test('$adddns: a domain that does not exist adds nothing to the overrides, one with an address is added', async (t) => {
  const line = '* 192.0.2.9 $adddns'
  for (const [toA, hosts] of [
    [nxdomain, '192.0.2.9'],
    [address, 'example.com,192.0.2.9'],
  ] as const) {
    const resolver = await resolverFor(t, (query) => say(query, query.type === TYPES.A ? toA : nxdomain))
    const found = await carryOut(resolver, line)
    assert.deepEqual(found.located.map(({ exchange }) => exchange.endpoint.host).join(), hosts)
  }
})

const many = (count: number) =>
  Array.from({ length: count }, (_, index) => mxRecord(DOMAIN, index, `mx${index}.example.com`))

const TOLERATED: readonly (readonly [what: string, mx: (query: ScriptedQuery) => void, hosts: number])[] = [
  [
    'bytes after the last record',
    ({ id, question, send }) =>
      send(Buffer.concat([encodeMessage({ id, question, answers: many(2) }), Buffer.alloc(9, 0xff)])),
    2,
  ],
  [
    'a datagram larger than was asked for',
    (query) => query.reply({ answers: many(60), additionals: [optRecord()] }),
    60,
  ],
  [
    'more than 200 records over TCP',
    (query) =>
      query.transport === 'udp' ? query.reply({ flags: QR | FLAGS.TC }) : query.reply({ answers: many(230) }),
    200,
  ],
  [
    'the question in another case',
    (query) => query.reply({ question: encodeQuestion('eXaMpLe.CoM', query.type), answers: many(2) }),
    2,
  ],
]

test('replies that other resolvers tolerate are accepted', async (t) => {
  for (const [what, script, hosts] of TOLERATED) {
    await t.test(what, async (each) => {
      const resolver = await resolverFor(each, (query) =>
        query.type === TYPES.MX
          ? script(query)
          : query.reply({
              answers: query.type === TYPES.A ? [aRecord(query.name, '192.0.2.1')] : [],
              authorities: SOA,
            }),
      )
      const { outcome, located } = await carryOut(resolver)
      assert.deepEqual([outcome, located.length], ['deliver', hosts])
    })
  }
})

test('a failure names the domain once, the server, and its reply', async (t) => {
  const zone = await startZone({ [DOMAIN]: [fails()] })
  const resolver = testResolver([zone.server])
  t.after(async () => {
    resolver.close()
    await zone.stop()
  })
  assert.equal(
    (await carryOut(resolver)).noRoute?.message,
    `the MX lookup of example.com failed: DNS server 127.0.0.1:${zone.port} answered SERVFAIL (server failure)`,
  )
  const both = await resolverFor(t, (query) => say(query, query.type === TYPES.MX ? nodata : 'servfail'))
  const { noRoute } = await carryOut(both)
  assert.match(
    noRoute?.message ?? '',
    /^addresses could not be looked up \(example\.com: DNS server \S+ answered SERVFAIL \(server failure\)\)$/,
  )
})
