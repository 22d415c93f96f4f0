import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { reportedRecipients, sendAll } from '../support/many-messages'
import { startScripted, type Scripted } from '../support/smtp-scripted'
import { randomFrom } from '../support/random'

// 400 messages to one to six recipients, by rules with $rcpt and $reply made by chance (seeded): each recipient is delivered or
// bounced once, by what the rules say of him.

const MESSAGES = 400
const SEED = 20_260_202
const SERVERS = 4
const LETTERS = [...'abcdefgh']
const RULES = 12
/** What a server replies to a recipient whose address starts with this word. Rules look at the character after the dash: `grey-c.17-2@d.example`. */
const FATES = ['taken', 'taken', 'taken', 'unknown', 'blocked', 'blocked', 'grey'] as const

interface Rule {
  readonly letters: readonly string[]
  readonly server: number
  /** Only after a reply that says S3140. */
  readonly isRescue: boolean
}

let servers: readonly Scripted[]
let reports: Scripted
let haraka: HarakaServer

const random = randomFrom(SEED)
const below = (number: number) => Math.floor(random() * number)
const pick = <T>(list: readonly T[]): T => list[below(list.length)]!

const rules: readonly Rule[] = Array.from({ length: RULES }, () => ({
  letters: LETTERS.filter(() => random() < 0.3),
  server: below(SERVERS),
  isRescue: random() < 0.5,
}))

/** The rule as a line, in one of the ways in which it can be written. */
function lineOf({ letters, server, isRescue }: Rule): string {
  const [letter] = letters
  const one = pick([`$rcpt~=*-${letter}.*@*`, `$rcpt~=/^[a-z]+-${letter}\\./`])
  const several = `$rcpt~=/^[A-Z]+-[${letters.join('')}]\\./i`
  const words = [letters.length === 1 ? one : several, ...(isRescue ? ['$reply~=/S3140/'] : []), '$end']
  return `* 127.0.0.1:${servers[server]!.port} ${words.join(' ')}`
}

/** Where the rules send a recipient. */
function findRule(letter: string, isBlocked: boolean): Pick<Rule, 'server' | 'isRescue'> {
  const found = rules.find(({ letters, isRescue }) => letters.includes(letter) && (isBlocked || !isRescue))
  return found ?? { server: 0, isRescue: false }
}

const nameParts = (text: string) => /([a-z]+)-([a-h])\.\d/.exec(text)!.slice(1) as [string, string]

/** The number of the server that takes the message to a recipient, or -1 if it bounces. */
function findEnd(recipient: string): number {
  const [fate, letter] = nameParts(recipient)
  const { server } = findRule(letter, false)
  if (fate === 'unknown') return -1
  if (fate !== 'blocked') return server
  const next = findRule(letter, true)
  return next.isRescue && next.server !== server ? next.server : -1
}

before(async () => {
  const seen = new Set<string>()
  const says = (number: number) => (verb: string, rest: string) => {
    if (verb !== 'RCPT') return undefined
    const [fate, letter] = nameParts(rest)
    if (fate === 'unknown') return '550 5.1.1 No such user'
    if (fate === 'blocked' && findRule(letter, false).server === number) return '550 5.7.1 listed (S3140)'
    if (fate !== 'grey' || seen.has(rest)) return undefined
    seen.add(rest)
    return '451 4.7.1 greylisted'
  }
  servers = await Promise.all(Array.from({ length: SERVERS }, (_, n) => startScripted({ script: says(n) })))
  reports = await startScripted()
  haraka = await HarakaServer.start({
    overrides: [
      `client.example 127.0.0.1:${reports.port} $end`,
      ...rules.filter(({ letters }) => letters.length > 0).map(lineOf),
      `* 127.0.0.1:${servers[0]!.port}`,
    ].join('\n'),
    outbound: ['temp_fail_intervals=5s*3', 'local_mx_ok=true'],
    loglevel: 'NOTICE',
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all([...(servers ?? []), reports].map((server) => server?.close()))
})

test(`each recipient of ${MESSAGES} random messages is delivered or bounced once, as the rules say`, async (t) => {
  const messages = Array.from({ length: MESSAGES }, (_, message) =>
    Array.from(
      { length: 1 + below(6) },
      (_unused, index) => `${pick(FATES)}-${pick(LETTERS)}.${message}-${index}@d.example`,
    ),
  )
  await sendAll(haraka, messages)
  const all = messages.flat()
  const right = new Map(all.map((recipient) => [recipient, String(findEnd(recipient))]))
  const bouncing = all.filter((recipient) => findEnd(recipient) === -1).length
  const reported = () => reportedRecipients(reports.taken)
  const isIdle = () => readdirSync(join(haraka.folder, 'queue')).length === 0
  await haraka.waitFor(
    () => isIdle() && reported().length >= bouncing,
    'the end of all messages',
    [...servers, reports],
    180_000,
  )
  const ends = new Map<string, string[]>()
  const note = (recipient: string, end: number) => {
    const found = ends.get(recipient)
    if (found === undefined) ends.set(recipient, [String(end)])
    else found.push(String(end))
  }
  for (const [number, server] of servers.entries()) {
    for (const recipient of server.taken.flatMap(({ rcptTo }) => rcptTo)) note(recipient, number)
  }
  for (const recipient of reported()) note(recipient, -1)
  const wrong = all.filter((recipient) => ends.get(recipient)?.join() !== right.get(recipient))
  assert.deepEqual(
    wrong.map((recipient) => [recipient, right.get(recipient), ends.get(recipient)]),
    [],
  )
  assert.equal(ends.size, all.length)
  t.diagnostic(`${all.length} recipients, ${bouncing} of them bounced`)
})
