import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { SmtpClient } from '../support/smtp-client'
import { startScripted, type Scripted, type ScriptedOptions } from '../support/smtp-scripted'

const MESSAGES = 400
const SEED = 20_261_121
/** Bound for the whole, milliseconds. */
const PATIENCE = 120_000
/** How often a relay fails in a conversation. */
const FAILURES = 0.35

/** Mulberry32: the same numbers for the same seed. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The ways in which a relay fails before the message is its: each at one step of the conversation. */
const WAYS: readonly (readonly [verb: string, reply: string])[] = [
  ['CONNECT', 'close'],
  ['CONNECT', '421 too busy'],
  ['CONNECT', '450 later'],
  ['CONNECT', '554 no service'],
  ['CONNECT', 'no reply of SMTP'],
  ['EHLO', 'close'],
  ['EHLO', '421 going down'],
  ['EHLO', '500 what?'],
  ['EHLO', '250 nothing offered'],
  ['STARTTLS', '454 no TLS now'],
  ['STARTTLS', '501 never'],
  ['STARTTLS', 'close'],
  ['STARTTLS', '220 go\r\n250 injected'],
  ['AUTH', '530 first TLS'],
  ['AUTH', '534 too weak'],
  ['AUTH', '535 wrong'],
  ['AUTH', '538 encrypt'],
  ['AUTH', '454 not now'],
  ['AUTH', 'close'],
  ['MAIL', '530 authenticate'],
  ['MAIL', 'close'],
  ['RCPT', 'close'],
  ['DATA', 'close'],
  // From here on it is the recipient's side that speaks.
  ['RCPT', '451 greylisted'],
  ['DATA', '452 no room'],
]

/** A relay that fails in a way drawn for each conversation. */
function unreliable(next: () => number, more: ScriptedOptions): ScriptedOptions {
  const ways = new Map<number, (typeof WAYS)[number] | undefined>()
  return {
    ...more,
    capabilities: ({ secure }) => (secure ? ['AUTH PLAIN LOGIN CRAM-MD5'] : ['STARTTLS']),
    script: (verb, _rest, { number, secure }) => {
      if (!ways.has(number))
        ways.set(number, next() < FAILURES ? WAYS[Math.floor(next() * WAYS.length)] : undefined)
      // The proof of CRAM-MD5 is not looked at.
      const usual = verb === 'AUTH' && secure ? '334 PDFAcmVsYXkuZXhhbXBsZT4=' : undefined
      const way = ways.get(number)
      return way?.[0] === verb ? way[1] : usual
    },
  }
}

/** Sends all, over a few connections. */
async function sendAll(port: number, recipients: readonly string[]): Promise<void> {
  const queue = [...recipients]
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const client = await SmtpClient.open(port)
      for (let to = queue.shift(); to !== undefined; to = queue.shift()) await client.send({ to })
      await client.quit()
    }),
  )
}

test(
  `each of ${MESSAGES} messages arrives once through relays that fail at random`,
  { timeout: PATIENCE },
  async (t) => {
    const next = random(SEED)
    const relays: Scripted[] = []
    for (const more of [{}, {}, { certificate: 'server' }, { implicitTls: true }]) {
      relays.push(await startScripted(unreliable(next, more)))
    }
    t.after(() => Promise.all(relays.map((relay) => relay.close())))
    const sections = relays.map(({ port }, i) =>
      [
        `[relay:r${i}]`,
        `host = ${i === 3 ? `smtps://127.0.0.1:${port}` : '127.0.0.1'}`,
        ...(i === 3 ? [] : [`port = ${port}`]),
        'user = fred',
        'password = sesame',
        `tls = ${['opportunistic', 'required', 'required', 'required'][i]}`,
        'retry_after = 1s',
        i === 1 ? 'max_connections = 5' : '',
      ].join('\n'),
    )
    const haraka = await HarakaServer.start({
      overrides: [
        'over.example @r0 $priority:1',
        'over.example @r1 $priority:2',
        'over.example @r2 $priority:2',
        '[attempts]',
        '* direct=0 relay=60',
        ...sections,
      ].join('\n'),
      outbound: ['temp_fail_intervals=5s*60', 'local_mx_ok=true'],
      loglevel: 'NOTICE',
      nodes: 2,
      env: { NODE_EXTRA_CA_CERTS: resolve('test/fixtures/tls/ca.pem') },
    })
    t.after(() => haraka.close())

    const recipients = Array.from(
      { length: MESSAGES },
      (_, i) => `u${String(i).padStart(4, '0')}@${i % 2 === 0 ? 'over' : 'turns'}.example`,
    )
    await sendAll(haraka.port, recipients)
    await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue', relays, PATIENCE)

    const arrived = relays.flatMap(({ taken }) => taken.flatMap(({ rcptTo }) => rcptTo)).sort()
    assert.deepEqual(arrived, recipients.toSorted())
    assert.deepEqual(haraka.lines(/bouncing mail|\[(ALERT|CRIT|EMERG)\]|uncaught/i), [])
    assert.ok(
      relays.every(({ taken }) => taken.every(({ secure }) => secure)),
      'with a password, nothing went in clear',
    )
    assert.ok(
      relays.every(({ taken }) => taken.length > 0),
      'every relay had its part',
    )
    const tried = relays.reduce((sum, relay) => sum + relay.connections(), 0)
    assert.ok(tried > MESSAGES * 1.2, `${tried} connections: they did fail`)
  },
)
