/**
 * Any bytes as an answer: the process goes on, the wait goes on, nothing is left open. What a server sends is made from a seed and
 * the name that was asked for, so a failure can be had again: DNS_FUZZ_SEED=<the number in its message>. DNS_FUZZ_CORPUS=<folder> sends
 * every file of a folder as well.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { isHostName } from '../../lib/dns/names'
import type { Resolver } from '../../lib/dns/resolver'
import type { MxAnswer } from '../../lib/model/dns-answer'
import { openHandles, testResolver } from '../support/dns-resolver'
import { startScripted, type Script, type ScriptedQuery } from '../support/dns-scripted'
import { FLAGS, mxRecord, u16 } from '../support/dns-wire'
import { DEFAULT_SEED, foreignFrom, matchingFrom, randomFrom, rawFrom, spliced } from '../support/dns-fuzz'

const SEED = Number(process.env.DNS_FUZZ_SEED ?? DEFAULT_SEED)
const AT_ONCE = 50
const GARBAGE_EACH = 8

/** The number of a name that was asked for here; absent for one that a CNAME of the garbage led to. */
const indexOf = (name: string): number | undefined => {
  const digits = /^n(\d+)\.example$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
const goodReply = (query: ScriptedQuery): void =>
  query.reply({ answers: [mxRecord(query.name, 10, `mx.${query.name}`)] })

/** What a lookup may come to, whatever was sent: an answer of sound parts, or a failure. */
function assertSound(answer: MxAnswer, what: string): void {
  if (answer.kind === 'failed') {
    assert.match(answer.error.code, /^E[A-Z]+$/, what)
    return
  }
  assert.ok(answer.ttlSeconds >= 0 && answer.ttlSeconds <= 86_400, what)
  if (answer.kind !== 'mx') return
  assert.ok(answer.records.length > 0, what)
  for (const { priority, exchange } of answer.records) {
    assert.ok(Number.isInteger(priority) && priority >= 0 && priority <= 0xffff, what)
    assert.ok(isHostName(exchange) && isIP(exchange) === 0, `${what}: ${JSON.stringify(exchange)}`)
  }
}

/**
 * Asks for so many names a server that answers by the script; then one good answer must still come through, and with the resolver
 * closed there must be as many descriptors and timers as before.
 */
async function attack(
  t: TestContext,
  script: Script,
  lookups: number,
  check: (answer: MxAnswer, index: number) => void,
): Promise<void> {
  const server = await startScripted(script)
  const before = openHandles()
  const resolver = testResolver([server.server], {
    cacheSize: 0,
    tuning: { timeoutMs: 5_000, deadlineMs: 60_000 },
  })
  t.after(() => server.stop())
  try {
    for (let first = 0; first < lookups; first += AT_ONCE) {
      const indexes = Array.from({ length: Math.min(AT_ONCE, lookups - first) }, (_, i) => first + i)
      const answers = await Promise.all(indexes.map((index) => resolver.mx(`n${index}.example`)))
      for (const [place, index] of indexes.entries()) check(answers[place]!, index)
    }
    server.script(goodReply)
    await assertServes(resolver, `n${lookups}.example`)
  } finally {
    resolver.close()
  }
  await assertBack(before)
}

async function assertServes(resolver: Resolver, name: string): Promise<void> {
  const answer = await resolver.mx(name)
  assert.deepEqual(answer.kind === 'mx' && answer.records, [{ priority: 10, exchange: `mx.${name}` }])
}

/** The server's end of a connection goes when it has seen ours go. */
async function assertBack(before: ReturnType<typeof openHandles>): Promise<void> {
  for (let round = 0; round < 500; round++) {
    if (openHandles().sockets <= before.sockets) break
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.deepEqual(openHandles(), before)
}

test(`UDP: messages that are not the reply are ignored, and the reply is accepted (seed ${SEED})`, async (t) => {
  const script: Script = (query) => {
    const random = randomFrom(SEED, indexOf(query.name)!)
    for (let i = 0; i < GARBAGE_EACH; i++) query.send(foreignFrom(random, query))
    goodReply(query)
  }
  await attack(t, script, 400, (answer, index) => {
    const what = `seed ${SEED}, name ${index}`
    assert.deepEqual(
      answer.kind === 'mx' ? answer.records : answer,
      [{ priority: 10, exchange: `mx.n${index}.example` }],
      what,
    )
  })
})

test(`TCP: messages that are not the reply are ignored (seed ${SEED})`, async (t) => {
  const script: Script = (query) => {
    if (query.transport === 'udp') {
      query.reply({ flags: FLAGS.QR | FLAGS.TC })
      return
    }
    const random = randomFrom(SEED, indexOf(query.name)!)
    const garbage = Array.from({ length: GARBAGE_EACH }, () => foreignFrom(random, query))
    // Without an id it is not a message: the stream is out of step, and is closed.
    for (const bytes of garbage) if (bytes.length >= 2) query.send(bytes)
    goodReply(query)
  }
  await attack(t, script, 200, (answer, index) => {
    assert.equal(answer.kind, 'mx', `seed ${SEED}, name ${index}`)
  })
})

test(`UDP: random bytes after the right id and question give a sound answer or a failure (seed ${SEED})`, async (t) => {
  const script: Script = (query) => {
    const index = indexOf(query.name)
    if (index !== undefined) query.send(matchingFrom(randomFrom(SEED, index), query))
    goodReply(query)
  }
  const kinds = new Map<string, number>()
  await attack(t, script, 1_500, (answer, index) => {
    assertSound(answer, `seed ${SEED}, name ${index}`)
    kinds.set(answer.kind, (kinds.get(answer.kind) ?? 0) + 1)
  })
  // The generator is worth something only if it gets past the first checks, both ways.
  assert.ok((kinds.get('mx') ?? 0) > 100 && (kinds.get('failed') ?? 0) > 100, JSON.stringify([...kinds]))
})

test(`TCP: random messages in pieces with a wrong length give a sound answer or a failure (seed ${SEED})`, async (t) => {
  const script: Script = (query) => {
    if (query.transport === 'udp') {
      query.reply({ flags: FLAGS.QR | FLAGS.TC })
      return
    }
    const random = randomFrom(SEED, indexOf(query.name) ?? 0)
    const message = random() < 0.3 ? rawFrom(random) : matchingFrom(random, query)
    const lie = random() < 0.3 ? Math.floor(random() * 65_536) : message.length
    const bytes = Buffer.concat([u16(lie), message])
    const cut = Math.floor(random() * bytes.length)
    query.socket!.write(bytes.subarray(0, cut))
    setImmediate(() => {
      if (!query.socket!.destroyed) query.socket!.end(bytes.subarray(cut))
    })
  }
  await attack(t, script, 500, (answer, index) => assertSound(answer, `seed ${SEED}, name ${index}`))
})

const corpus = process.env.DNS_FUZZ_CORPUS
if (corpus !== undefined)
  test('each file of the corpus gives a sound answer or a failure', (t) => corpusFrom(t, corpus))

async function corpusFrom(t: TestContext, folder: string): Promise<void> {
  const files = readdirSync(folder).map((file) => join(folder, file))
  const contents = files.map((file) => readFileSync(file))
  const ways: readonly ((bytes: Buffer, query: ScriptedQuery) => Buffer)[] = [
    (bytes) => bytes,
    (bytes, query) => Buffer.concat([u16(query.id), bytes.subarray(2)]),
    spliced,
  ]
  const kinds = new Map<string, number>()
  for (const transport of ['udp', 'tcp'] as const) {
    const script: Script = (query) => {
      if (transport === 'tcp' && query.transport === 'udp') {
        query.reply({ flags: FLAGS.QR | FLAGS.TC })
        return
      }
      const index = indexOf(query.name)
      const bytes = index === undefined ? undefined : contents[Math.floor(index / ways.length)]
      if (bytes !== undefined) query.send(ways[index! % ways.length]!(bytes, query))
      goodReply(query)
    }
    await attack(t, script, contents.length * ways.length, (answer, index) => {
      assertSound(
        answer,
        `${files[Math.floor(index / ways.length)]} over ${transport}, way ${index % ways.length}`,
      )
      const key = `${transport} ${['as it is', 'with the id', 'with id and question'][index % ways.length]}: ${answer.kind}`
      kinds.set(key, (kinds.get(key) ?? 0) + 1)
    })
  }
  t.diagnostic(`${files.length} files: ${[...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ')}`)
}
