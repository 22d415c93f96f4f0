import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { ServerFailure, ServerReply } from '../../lib/dns/interpret'
import { Transport } from '../../lib/dns/transport'
import type { Question, ServerAddress } from '../../lib/dns/types'
import {
  startScripted,
  type Script,
  type ScriptedOptions,
  type ScriptedServer,
} from '../support/dns-scripted'
import {
  aRecord,
  encodeMessage,
  encodeQuestion,
  FLAGS,
  mxRecord,
  optRecord,
  RCODES,
  TYPES,
  u16,
} from '../support/dns-wire'
import { needsIpv6 } from '../support/programs'

const QUESTION: Question = { name: 'example.com', type: 'MX' }
const GOOD = [mxRecord('example.com', 10, 'mx.example.com')]
const fixture = (name: string): Buffer => readFileSync(`test/fixtures/tls/${name}`)
const ca = fixture('ca.pem').toString()

interface Setup {
  readonly server: ScriptedServer
  readonly transport: Transport
  ask(question?: Question): Promise<ServerReply | ServerFailure>
}

async function setUp(
  t: TestContext,
  script: Script,
  options: ScriptedOptions & Partial<ServerAddress> & { readonly ednsSize?: number } = {},
): Promise<Setup> {
  const server = await startScripted(script, options)
  const { tlsName } = options
  const address = { ...server.server, ...(tlsName === undefined ? {} : { tlsName }) }
  const transport = new Transport(address, {
    ednsSize: options.ednsSize ?? 1232,
    now: () => performance.now(),
    random: Math.random,
    ca,
  })
  t.after(async () => {
    transport.close()
    await server.stop()
  })
  return {
    server,
    transport,
    ask: (question = QUESTION) => new Promise((resolve) => transport.ask(question, resolve)),
  }
}

const isGood = (result: ServerReply | ServerFailure): void => {
  assert.deepEqual(result, {
    kind: 'records',
    ttlSeconds: 300,
    records: [{ priority: 10, exchange: 'mx.example.com' }],
  })
}
const isRefusal = (result: ServerReply | ServerFailure, code: string): void => {
  assert.equal(result.kind === 'failure' ? result.code : result.kind, code)
}

test('a query has RD, one question, an OPT of 1232 octets and a new id (RFC 6891)', async (t) => {
  const { server, ask } = await setUp(t, (query) => query.reply({ answers: GOOD }))
  for (let i = 0; i < 40; i++) isGood(await ask())
  for (const { name, type, flags, ednsSize } of server.queries) {
    assert.deepEqual(
      { name, type, flags, ednsSize },
      { name: 'example.com', type: TYPES.MX, flags: FLAGS.RD, ednsSize: 1232 },
    )
  }
  assert.ok(new Set(server.queries.map(({ id }) => id)).size > 35, 'ids differ')
  assert.ok(new Set(server.queries.map(({ port }) => port)).size > 10, 'source ports differ')
})

test('source ports change over time (RFC 5452 9.2)', async (t) => {
  const { server, transport, ask } = await setUp(t, (query) => query.reply({ answers: GOOD }))
  for (let i = 0; i < 60; i++) await Promise.all(Array.from({ length: 50 }, () => ask()))
  const ports = new Set(server.queries.map(({ port }) => port)).size
  assert.ok(ports >= 24, `${ports} ports for 3000 queries`)
  assert.ok(transport.open <= 16)
})

test('EDNS is off with size 0', async (t) => {
  const { server, ask } = await setUp(t, (query) => query.reply({ answers: GOOD }), { ednsSize: 0 })
  isGood(await ask())
  assert.equal(server.queries[0]!.ednsSize, undefined)
})

const NOT_EDNS: readonly (readonly [what: string, reply: Script])[] = [
  ['FORMERR', (query) => query.reply({ rcode: RCODES.FORMERR })],
  ['FORMERR, a header alone', (query) => query.reply({ rcode: RCODES.FORMERR, question: Buffer.alloc(0) })],
  ['NOTIMP', (query) => query.reply({ rcode: RCODES.NOTIMP })],
  ['BADVERS', (query) => query.reply({ additionals: [optRecord(1232, 16)] })],
]

for (const [what, reply] of NOT_EDNS) {
  test(`${what}: asked again without EDNS, also later (RFC 6891 6.2.2)`, async (t) => {
    const { server, ask } = await setUp(t, (query) =>
      query.ednsSize === undefined ? query.reply({ answers: GOOD }) : reply(query),
    )
    isGood(await ask())
    isGood(await ask())
    assert.deepEqual(
      server.queries.map(({ ednsSize }) => ednsSize),
      [1232, undefined, undefined],
    )
  })
}

test('FORMERR without EDNS is the answer', async (t) => {
  const { server, ask } = await setUp(t, (query) => query.reply({ rcode: RCODES.FORMERR }))
  isRefusal(await ask(), 'EFORMERR')
  assert.equal(server.queries.length, 2)
})

test('replies that do not match are ignored while one query waits (RFC 5452 9.1)', async (t) => {
  const { server, ask } = await setUp(t, (query) => {
    const { id, question } = query
    const other = (rest: object) => query.send(encodeMessage({ id, question, answers: GOOD, ...rest }))
    other({ flags: FLAGS.RD })
    other({
      question: encodeQuestion('example.org', TYPES.MX),
      answers: [mxRecord('example.org', 1, 'evil.x')],
    })
    other({
      question: encodeQuestion('example.com', TYPES.A),
      answers: [aRecord('example.com', '192.0.2.66')],
    })
    other({ question: Buffer.alloc(0) })
    other({ id: id ^ 0xffff })
    other({ flags: FLAGS.QR | 0x2800 })
    query.send(Buffer.concat([u16(id), Buffer.alloc(40, 0xff)]))
    query.send(u16(id))
    query.send(Buffer.from([1]))
    query.send(Buffer.concat([encodeMessage({ id, question }), Buffer.alloc(5000)]))
    setTimeout(() => other({}), 20)
  })
  isGood(await ask())
  assert.equal(server.queries.length, 1)
})

test('packets from another socket are not received', async (t) => {
  const other = await startScripted(() => {})
  t.after(() => other.stop())
  const { ask } = await setUp(t, (query) => {
    const evil = [mxRecord('example.com', 1, 'evil.example')]
    other.sendTo(encodeMessage({ id: query.id, question: query.question, answers: evil }), query.port)
    setTimeout(() => query.reply({ answers: GOOD }), 20)
  })
  isGood(await ask())
})

test('a truncated record makes the whole reply invalid (RFC 9267)', async (t) => {
  const { ask } = await setUp(t, (query) => {
    const { id, question } = query
    query.send(encodeMessage({ id, question, answers: [...GOOD, ...GOOD] }).subarray(0, -4))
  })
  isRefusal(await ask(), 'EBADRESP')
})

test('after TC the query is sent over TCP (RFC 7766)', async (t) => {
  const many = Array.from({ length: 60 }, (_, i) => mxRecord('example.com', i, `mx${i}.example.com`))
  const { server, ask } = await setUp(t, (query) =>
    query.transport === 'udp'
      ? query.reply({ flags: FLAGS.QR | FLAGS.TC, answers: GOOD })
      : query.reply({ answers: many }),
  )
  const result = await ask()
  assert.equal(result.kind === 'records' && result.records.length, 60)
  assert.deepEqual(
    server.queries.map(({ transport }) => transport),
    ['udp', 'tcp'],
  )
})

const TCP_FAULTS: readonly (readonly [what: string, script: Script, code: string])[] = [
  ['closes', ({ socket }) => socket!.end(), 'ECONNRESET'],
  ['resets', ({ socket }) => socket!.resetAndDestroy(), 'ECONNRESET'],
  [
    'sends half and closes',
    ({ socket, id, question }) => socket!.end(Buffer.concat([u16(200), encodeMessage({ id, question })])),
    'ECONNRESET',
  ],
  ['says TC again', (query) => query.reply({ flags: FLAGS.QR | FLAGS.TC }), 'EBADRESP'],
  ['announces 65535 octets', ({ socket }) => socket!.write(u16(65_535)), 'EBADRESP'],
  ['announces 0 octets', ({ socket }) => socket!.write(u16(0)), 'EBADRESP'],
]

for (const [what, script, code] of TCP_FAULTS) {
  test(`TCP ${what}: ${code}, and the connection is closed`, async (t) => {
    const { server, transport, ask } = await setUp(t, (query) =>
      query.transport === 'udp' ? query.reply({ flags: FLAGS.QR | FLAGS.TC }) : script(query),
    )
    isRefusal(await ask(), code)
    transport.close()
    assert.equal(transport.open, 0)
    assert.equal(server.connections.ever, 1)
  })
}

test('cancelling a query that hangs over TCP closes its connection', async (t) => {
  const { server, transport } = await setUp(t, (query) => {
    if (query.transport === 'udp') query.reply({ flags: FLAGS.QR | FLAGS.TC })
  })
  const ask = transport.ask(QUESTION, () => assert.fail('cancelled'))
  await server.received(2)
  assert.equal(server.connections.open, 1)
  ask.cancel()
  while (server.connections.open > 0) await wait(1)
})

test('a reply over TCP may come in pieces, after a reply to another query', async (t) => {
  const { ask } = await setUp(t, async (query) => {
    if (query.transport === 'udp') {
      query.reply({ flags: FLAGS.QR | FLAGS.TC })
      return
    }
    const { id, question, socket } = query
    const foreign = encodeMessage({ id: id ^ 1, question })
    const reply = encodeMessage({ id, question, answers: GOOD })
    const bytes = Buffer.concat([u16(foreign.length), foreign, u16(reply.length), reply])
    for (const byte of bytes) await new Promise((resolve) => socket!.write(Buffer.from([byte]), resolve))
  })
  isGood(await ask())
})

test('an IPv6 server is queried over UDP and TCP', { skip: needsIpv6() }, async (t) => {
  const { server, ask } = await setUp(
    t,
    (query) =>
      query.transport === 'udp'
        ? query.reply({ flags: FLAGS.QR | FLAGS.TC })
        : query.reply({ answers: GOOD }),
    { address: '::1' },
  )
  isGood(await ask())
  assert.equal(server.queries.length, 2)
})

test('a closed port is reported at once', async () => {
  const server = await startScripted(() => {})
  await server.stop()
  const transport = new Transport(server.server, { ednsSize: 1232, now: () => 0, random: Math.random })
  const results = await Promise.all(
    Array.from(
      { length: 3 },
      () => new Promise<ServerReply | ServerFailure>((resolve) => transport.ask(QUESTION, resolve)),
    ),
  )
  for (const result of results) isRefusal(result, 'ECONNREFUSED')
  assert.equal(transport.open, 0)
})

test('close refuses new queries and ends pending ones', async (t) => {
  const { server, transport, ask } = await setUp(t, () => {})
  const waiting = ask()
  await server.received(1)
  transport.close()
  isRefusal(await waiting, 'ECANCELLED')
  isRefusal(await ask(), 'ECANCELLED')
  assert.equal(transport.open, 0)
})

const tls = (name: string) => ({ tls: { key: fixture(`${name}.key`), cert: fixture(`${name}.pem`) } })

test('DNS over TLS: queries share one connection, which is kept open (RFC 7858 3.3, 3.4)', async (t) => {
  const { server, ask } = await setUp(t, (query) => query.reply({ answers: GOOD }), tls('server'))
  isGood(await ask())
  for (const result of await Promise.all(Array.from({ length: 50 }, () => ask()))) isGood(result)
  isGood(await ask())
  assert.equal(server.connections.ever, 1)
  assert.equal(server.queries[0]!.transport, 'tls')
})

test('DNS over TLS: replies in any order are matched to their queries (RFC 7766 7)', async (t) => {
  const waiting: (() => void)[] = []
  const { ask } = await setUp(
    t,
    (query) => {
      waiting.push(() => query.reply({ answers: [mxRecord(query.name, 1, `mx.${query.name}`)] }))
      if (waiting.length === 3) for (const reply of waiting.toReversed()) reply()
    },
    tls('server'),
  )
  const names = ['a.example', 'b.example', 'c.example']
  const results = await Promise.all(names.map((name) => ask({ name, type: 'MX' })))
  assert.deepEqual(
    results.map((result) => result.kind === 'records' && result.records),
    names.map((name) => [{ priority: 1, exchange: `mx.${name}` }]),
  )
})

test('DNS over TLS: a connection that the server closed is opened again (RFC 7766 6.2.4)', async (t) => {
  const { server, ask } = await setUp(
    t,
    (query) => {
      if (server.queries.length === 2) query.socket!.destroy()
      else query.reply({ answers: GOOD })
    },
    tls('server'),
  )
  isGood(await ask())
  isGood(await ask())
  assert.equal(server.connections.ever, 2)
  assert.equal(server.queries.length, 3)
})

const CERTIFICATES: readonly (readonly [certificate: string, tlsName: string | undefined, code: string])[] = [
  ['server', undefined, 'records'],
  ['server', 'dns.example', 'records'],
  ['server', 'DNS.example', 'records'],
  ['server', '127.0.0.1', 'records'],
  ['server', '192.0.2.1', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['wrong-name', '192.0.2.1', 'records'],
  ['server', 'other.example', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['wrong-name', undefined, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['wrong-name', 'dns.example', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['expired', undefined, 'CERT_HAS_EXPIRED'],
  ['self-signed', undefined, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
]

for (const [certificate, tlsName, code] of CERTIFICATES) {
  test(`DNS over TLS: certificate ${certificate}, name ${tlsName ?? 'the address'}: ${code}`, async (t) => {
    const { server, ask } = await setUp(t, (query) => query.reply({ answers: GOOD }), {
      ...tls(certificate),
      ...(tlsName === undefined ? {} : { tlsName }),
    })
    const result = await ask()
    assert.equal(result.kind === 'failure' ? result.code : result.kind, code)
    assert.equal(
      server.queries.length,
      code === 'records' ? 1 : 0,
      'nothing is asked of a server that is not known',
    )
  })
}
