import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { reportedRecipients, sendAll } from '../support/many-messages'
import { startScripted, type Scripted } from '../support/smtp-scripted'
import { randomFrom } from '../support/random'

// 400 messages with one to three recipients, each refused or taken by chance (seeded): each recipient is delivered or bounced once,
// by what the rules say of its own replies.

const MESSAGES = 400
const SEED = 20_260_101

/** What the first server says to a recipient, and the relay that its line leads to; and what is right then. */
const FATES = {
  taken: { first: undefined, relay: undefined, end: 'first' },
  unknown: { first: '550 5.1.1 No such user', relay: undefined, end: 'bounce' },
  blocked: { first: '550 5.7.1 listed (S3140)', relay: undefined, end: 'relay' },
  'blocked-twice': {
    first: '554 5.7.1 listed (S3140)',
    relay: '554 5.7.1 also listed (S3140)',
    end: 'bounce',
  },
  full: { first: '552 5.2.2 over quota', relay: undefined, end: 'bounce' },
  grey: { first: '451 4.7.1 greylisted', relay: undefined, end: 'relay' },
  'grey-refused': { first: '450 4.7.1 greylisted', relay: '550 5.7.1 no', end: 'bounce' },
} as const
type Fate = keyof typeof FATES
const NAMES = Object.keys(FATES) as Fate[]

let first: Scripted
let relay: Scripted
let reports: Scripted
let haraka: HarakaServer

const fateOf = (rest: string) => /<([a-z-]+)\.\d/.exec(rest)?.[1] as Fate | undefined

before(async () => {
  const says = (where: 'first' | 'relay') => (verb: string, rest: string) =>
    verb === 'RCPT' ? FATES[fateOf(rest) ?? 'taken'][where] : undefined
  first = await startScripted({ script: says('first') })
  relay = await startScripted({ script: says('relay') })
  reports = await startScripted()
  haraka = await HarakaServer.start({
    overrides: `
client.example 127.0.0.1:${reports.port} $end
* 127.0.0.1:${relay.port} $reply~=/S3140|greylisted/ $end
* 127.0.0.1:${first.port}
`,
    outbound: ['temp_fail_intervals=5s*3', 'local_mx_ok=true'],
    loglevel: 'NOTICE',
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all([first, relay, reports].map((server) => server?.close()))
})

function countByRecipient(recipients: Iterable<string>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const recipient of recipients) counts.set(recipient, (counts.get(recipient) ?? 0) + 1)
  return counts
}

test(`each recipient of ${MESSAGES} random messages is delivered or bounced once, as the rules say`, async () => {
  const random = randomFrom(SEED)
  const messages = Array.from({ length: MESSAGES }, (_, message) =>
    Array.from(
      { length: 1 + Math.floor(random() * 3) },
      (_unused, index) => `${NAMES[Math.floor(random() * NAMES.length)]!}.${message}-${index}@d.example`,
    ),
  )
  await sendAll(haraka, messages)
  const all = messages.flat()
  const end = (recipient: string) => FATES[fateOf(`<${recipient}`)!].end
  const bouncing = all.filter((recipient) => end(recipient) === 'bounce').length
  const reported = () => reportedRecipients(reports.taken)
  await haraka.waitFor(
    () => haraka.queueFiles().length === 0 && reported().length >= bouncing,
    'the end of all messages',
    [first, relay, reports],
    180_000,
  )
  const counts = {
    first: countByRecipient(first.taken.flatMap(({ rcptTo }) => rcptTo)),
    relay: countByRecipient(relay.taken.flatMap(({ rcptTo }) => rcptTo)),
    bounce: countByRecipient(reported()),
  }
  const wrong = all.filter((recipient) => {
    const found = (['first', 'relay', 'bounce'] as const).map((where) => counts[where].get(recipient) ?? 0)
    const right = (['first', 'relay', 'bounce'] as const).map((where) => (where === end(recipient) ? 1 : 0))
    return found.join() !== right.join()
  })
  assert.deepEqual(wrong, [])
  assert.equal(
    [...counts.first.values(), ...counts.relay.values(), ...counts.bounce.values()].length,
    all.length,
  )
})
