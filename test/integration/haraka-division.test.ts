import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readQueueFile } from '../../lib/haraka-files/queue-file'
import { HarakaServer } from '../support/haraka-server'
import { reportedRecipients } from '../support/many-messages'
import { startScripted, type Scripted } from '../support/smtp-scripted'

// Recipients of one message that $rcpt sends different ways.

/** Notes of another plugin, and what each part has of them. */
const OTHER_PLUGIN = `
exports.hook_mail = (next, connection) => { connection.transaction.notes.other = { kept: ['yes'] }; next() }
exports.hook_delivered = (next, item) => {
  item.lognotice('HOOK delivered ' + JSON.stringify({
    to: item.todo.rcpt_to.map((address) => address.address ?? address.original.slice(1, -1)).map(String),
    other: item.todo.notes.other, attempts: item.num_failures, queued: item.todo.queue_time, uuid: item.todo.uuid,
  }))
  next()
}
exports.hook_deferred = (next, item) => { item.lognotice('HOOK deferred ' + item.todo.rcpt_to.join()); next() }
`

let usual: Scripted
let special: Scripted
let reports: Scripted
let haraka: HarakaServer

before(async () => {
  usual = await startScripted()
  special = await startScripted()
  reports = await startScripted()
  haraka = await HarakaServer.start({
    overrides: `
client.example 127.0.0.1:${reports.port} $end
later.example 127.0.0.1:${special.port} $rcpt~=special* $retries>=1 $end
later.example 127.0.0.1:${usual.port} $end
* 127.0.0.1:${special.port} $rcpt~=special* $end
* 127.0.0.1:${usual.port}
`,
    outbound: ['temp_fail_intervals=1h*3', 'local_mx_ok=true'],
    plugins: { other: OTHER_PLUGIN },
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all([usual, special, reports].map((server) => server?.close()))
})

const recipientsOf = (server: Scripted, domain: string) =>
  server.taken
    .map(({ rcptTo }) => rcptTo.filter((address) => address.endsWith(`@${domain}`)))
    .filter(({ length }) => length > 0)

/** Every name in the queue folder, folders of divisions too. */
const everything = () => readdirSync(join(haraka.folder, 'queue'))

async function settle(): Promise<void> {
  await haraka.waitFor(() => everything().length === 0, 'an empty queue', [usual, special, reports])
}

interface Delivered {
  readonly to: readonly string[]
  readonly other: unknown
  readonly attempts: number
  readonly queued: number
  readonly uuid: string
}

const delivered = (domain: string): Delivered[] =>
  haraka
    .lines(/HOOK delivered /)
    .map((line) => JSON.parse(/(\{.*\})/.exec(line)![1]!) as Delivered)
    .filter(({ to }) => to[0]!.endsWith(`@${domain}`))

/** The log comes through a pipe, and may come after the queue is empty. */
async function waitForDelivered(domain: string, count: number): Promise<void> {
  const line = new RegExp(`HOOK delivered .*@${domain}.*\\}$`)
  await haraka.waitFor(() => haraka.lines(line).length === count, 'deliveries in the log')
}

test('two recipients with different routes are two messages, each with everything of the original', async () => {
  const [one, two] = ['special@two.example', 'joe@two.example']
  await haraka.send({ from: 's@client.example', to: [one!, two!], body: 'the body' })
  await settle()
  assert.deepEqual(recipientsOf(special, 'two.example'), [[one]])
  assert.deepEqual(recipientsOf(usual, 'two.example'), [[two]])
  const bodies = [...special.taken, ...usual.taken].filter(({ rcptTo }) =>
    rcptTo[0]!.endsWith('@two.example'),
  )
  assert.equal(bodies[0]!.data, bodies[1]!.data)
  assert.match(bodies[0]!.data, /the body/)
  await waitForDelivered('two.example', 2)
  const [first, second] = delivered('two.example')
  assert.deepEqual([first!.other, first!.attempts], [{ kept: ['yes'] }, 0])
  assert.deepEqual({ ...first, to: [] }, { ...second, to: [] })
  assert.equal(haraka.lines(/\[(WARN|ERROR|CRIT)\].*two\.example/).length, 0)
})

test('of three recipients two share a message', async () => {
  const names = ['ann', 'special', 'joe'].map((local) => `${local}@three.example`)
  await haraka.send({ from: 's@client.example', to: names })
  await settle()
  assert.deepEqual(recipientsOf(special, 'three.example'), [[names[1]]])
  assert.deepEqual(recipientsOf(usual, 'three.example'), [[names[0], names[2]]])
})

test('fifty recipients are divided', async () => {
  const names = Array.from(
    { length: 50 },
    (_, index) => `${index % 7 === 3 ? 'special' : 'u'}${index}@many.example`,
  )
  await haraka.send({ from: 's@client.example', to: names })
  await settle()
  const isSpecial = (name: string) => name.startsWith('special')
  assert.deepEqual(recipientsOf(special, 'many.example'), [names.filter(isSpecial)])
  assert.deepEqual(recipientsOf(usual, 'many.example'), [names.filter((name) => !isSpecial(name))])
})

test('a message that was tried before keeps its attempts, its age and its last reply', async () => {
  const names = ['special', 'joe'].map((local) => `${local}@later.example`)
  usual.script((verb) => (verb === 'RCPT' ? '451 4.7.1 Come again' : undefined))
  await haraka.send({ from: 's@client.example', to: names })
  await haraka.waitFor(() => haraka.lines(/HOOK deferred .*later\.example/).length === 1, 'the first attempt')
  const [waiting] = haraka.queueFiles()
  const known = readQueueFile(join(haraka.folder, 'queue', waiting!))
  await haraka.flushUntil(() => haraka.lines(/HOOK deferred .*<joe@later/).length === 2, 'the second', [
    special,
  ])
  await haraka.waitFor(() => haraka.queueFiles().length === 1, 'one that waits', [special])
  assert.deepEqual(recipientsOf(special, 'later.example'), [[names[0]]])
  const [divided] = haraka.queueFiles()
  const { recipients, retries, queuedAt, reply } = readQueueFile(join(haraka.folder, 'queue', divided!))
  assert.deepEqual(recipients, [names[1]])
  assert.deepEqual([retries, queuedAt, reply], [2, known.queuedAt, '451 4.7.1 Come again'])
  assert.equal(divided!.split('_')[0], waiting!.split('_')[0], 'the time of arrival')
  await waitForDelivered('later.example', 1)
  assert.equal(delivered('later.example')[0]!.attempts, 1)
  usual.script(undefined)
  await haraka.flushUntil(() => everything().length === 0, 'an empty queue', [usual])
})

test('a report names only the recipient that bounces', async () => {
  const names = ['special', 'joe'].map((local) => `${local}@report.example`)
  special.script((verb) => (verb === 'RCPT' ? '550 5.1.1 No such user' : undefined))
  await haraka.send({ from: 's@client.example', to: names })
  await haraka.waitFor(() => reports.taken.length === 1, 'the report', [reports])
  await settle()
  special.script(undefined)
  assert.deepEqual(recipientsOf(usual, 'report.example'), [[names[1]]])
  assert.deepEqual(reportedRecipients(reports.taken), [names[0]])
})
