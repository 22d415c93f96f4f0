import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { judge } from '../../lib/dns/guard'
import { openHandles, TEST_TUNING, testResolver } from '../support/dns-resolver'
import { startScripted, type Script } from '../support/dns-scripted'
import { encodeMessage, encodeQuestion, FLAGS, mxRecord, TYPES, u16 } from '../support/dns-wire'
import { until } from '../support/until'

const question = encodeQuestion('example.com', TYPES.MX)

/** As long as they come: a record a name, each name a pointer to the one before. */
function pointerChains(length: number, id = 1): Buffer {
  const records = Math.floor((length - 12 - question.length) / 14)
  const parts = [encodeMessage({ id, question, counts: [1, Math.min(records, 65_535), 0, 0] })]
  let target = 12
  let at = parts[0]!.length
  for (let i = 0; i < records; i++) {
    parts.push(Buffer.concat([Buffer.from([1, 97]), u16(0xc000 | target), u16(999), u16(1), Buffer.alloc(6)]))
    if (at < 0x4000) target = at
    at += 14
  }
  return Buffer.concat(parts)
}

/** A hundred passes take 0.01 s; following all pointers takes 3 s at least. Processor time: the time of others says nothing. */
const MOST_CPU_SECONDS = 1

test('65 kB of compression pointers are refused in one pass (RFC 9267)', () => {
  const query = encodeMessage({ id: 1, flags: FLAGS.RD, question })
  for (const bytes of [
    pointerChains(65_535),
    pointerChains(16_384),
    Buffer.concat([query, Buffer.alloc(65_000, 0xff)]),
  ]) {
    const begin = process.cpuUsage()
    // The limit of TCP does not matter here: the pass itself is bounded.
    for (let time = 0; time < 100; time++) assert.notEqual(judge(bytes, query, query.length, 65_535), 'whole')
    const seconds = process.cpuUsage(begin).user / 1e6
    assert.ok(seconds < MOST_CPU_SECONDS, `${seconds} s`)
  }
})

const hostile: Script = (query) => {
  if (query.transport === 'udp') query.reply({ flags: FLAGS.QR | FLAGS.TC })
  else query.send(pointerChains(65_535, query.id))
}

test('after 65 kB of compression pointers over TCP the next server is asked', async (t) => {
  const bad = await startScripted(hostile)
  const good = await startScripted((query) =>
    query.reply({ answers: [mxRecord(query.name, 1, 'mx.example.com')] }),
  )
  const resolver = testResolver([bad.server, good.server])
  t.after(async () => {
    resolver.close()
    await Promise.all([bad.stop(), good.stop()])
  })
  const answer = await resolver.mx('example.com')
  assert.equal(answer.kind === 'mx' && answer.server, `127.0.0.1:${good.port}`)
})

const BEHAVIOURS: Readonly<Record<string, Script>> = {
  silent: () => {},
  garbage: (query) => query.send(Buffer.concat([u16(query.id), Buffer.alloc(60, 0xff)])),
  'cut short': ({ send, id, question: asked }) =>
    send(encodeMessage({ id, question: asked, counts: [1, 9, 0, 0] })),
  'TC, then TCP hangs': (query) => {
    if (query.transport === 'udp') query.reply({ flags: FLAGS.QR | FLAGS.TC })
  },
  'TC, then TCP sends half': (query) => {
    if (query.transport === 'udp') query.reply({ flags: FLAGS.QR | FLAGS.TC })
    else query.socket!.write(Buffer.from([1, 0, 5, 5]))
  },
  'TC, then TCP resets': (query) => {
    if (query.transport === 'udp') query.reply({ flags: FLAGS.QR | FLAGS.TC })
    else query.socket!.resetAndDestroy()
  },
  good: (query) => query.reply({ answers: [mxRecord(query.name, 1, 'mx.example.com')] }),
}

test('no descriptor and no timer leaks, whatever the server does', async (t) => {
  for (const [what, script] of Object.entries(BEHAVIOURS)) {
    await t.test(what, async (each) => {
      const server = await startScripted(script)
      each.after(() => server.stop())
      const before = openHandles()
      const resolver = testResolver([server.server], {
        tuning: what === 'good' ? {} : { timeoutMs: 40, deadlineMs: 200 },
      })
      const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => resolver.mx(`n${i}.example`)))
      assert.deepEqual(new Set(answers.map(({ kind }) => kind)), new Set([what === 'good' ? 'mx' : 'failed']))
      resolver.close()
      // The server's end of a connection goes a moment later than ours.
      await until(() => openHandles().sockets <= before.sockets, 'the end of the connections')
      assert.deepEqual(openHandles(), before)
    })
  }
})

const IDLE = `
  const { createResolver } = require(process.argv[1])
  const server = { address: '127.0.0.1', port: Number(process.argv[2]), transport: process.argv[3] }
  const tuning = JSON.parse(process.argv[4])
  const resolver = createResolver({ servers: [server], cacheSize: 9, tuning, ca: process.argv[5] })
  resolver.mx('example.com').then(({ kind }) => console.log(kind))`

const fixture = (name: string): Buffer => readFileSync(`test/fixtures/tls/${name}`)

for (const [transport, options] of [
  ['udp', {}],
  ['tls', { tls: { key: fixture('server.key'), cert: fixture('server.pem') } }],
] as const) {
  test(`idle sockets (${transport}) do not keep the process alive`, async (t) => {
    const server = await startScripted(BEHAVIOURS.good!, options)
    t.after(() => server.stop())
    const resolver = require.resolve('../../lib/dns/resolver')
    const given = [
      resolver,
      String(server.port),
      transport,
      JSON.stringify(TEST_TUNING),
      `${fixture('ca.pem')}`,
    ]
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', IDLE, ...given], {
      timeout: 120_000,
    })
    assert.equal(stdout, 'mx\n')
  })
}
