import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { startSink, type Answer, type Sink } from '../support/smtp-sink'

// What Haraka's queue does to a message between attempts: put off, split, restarted. $retries must be right after all of it.

let first: Sink
let second: Sink
let third: Sink
let haraka: HarakaServer

const LATER = { code: 451, text: 'come again' }

/** Puts off whole messages to some domains, and the recipients whose local part begins so at all. */
function putsOff(domains: readonly string[], locals: readonly string[]): Answer {
  return (stage, _session, address) => {
    const [local = '', domain = ''] = address.split('@')
    if (stage !== 'rcpt') return undefined
    return domains.includes(domain) || locals.some((start) => local.startsWith(start)) ? LATER : undefined
  }
}

before(async () => {
  first = await startSink({
    answer: putsOff(['whole.example', 'restart.example', 'deep.example'], ['later', 'last']),
  })
  second = await startSink({ answer: putsOff([], ['last']) })
  third = await startSink()
  haraka = await HarakaServer.start({
    overrides: `
* 127.0.0.1:${first.port}  $retries=0 $end
* 127.0.0.1:${second.port} $retries=1 $end
* 127.0.0.1:${third.port}
`,
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all([first, second, third].map((sink) => sink.close()))
})

/** Recipients that each server has taken, of one domain. */
function taken(domain: string): string[][] {
  return [first, second, third].map((sink) =>
    sink.received
      .flatMap(({ rcptTo }) => rcptTo)
      .filter((address) => address.endsWith(`@${domain}`))
      .toSorted(),
  )
}

/** Lets Haraka try again what is put off, until the condition holds. */
async function tryAgainUntil(condition: () => boolean, what: string): Promise<void> {
  await haraka.flushUntil(condition, what, [first, second, third])
}

const deferred = (attempts: number) =>
  haraka.queueFiles().filter((name) => name.split('_')[2] === String(attempts))
const idle = () => haraka.queueFiles().length === 0

test('the second attempt of a message has $retries 1', async () => {
  await haraka.send({ to: ['a@whole.example', 'b@whole.example'] })
  await haraka.waitFor(() => deferred(1).length === 1, 'one message put off')
  await tryAgainUntil(idle, 'the queue is empty')
  assert.deepEqual(taken('whole.example'), [[], ['a@whole.example', 'b@whole.example'], []])
})

test('recipients split off twice have $retries 1, then 2, and each gets the message once', async () => {
  const recipients = ['now', 'later', 'last'].map((local) => `${local}@split.example`)
  await haraka.send({ to: recipients })
  await tryAgainUntil(idle, 'the queue is empty')
  assert.deepEqual(taken('split.example'), [
    ['now@split.example'],
    ['later@split.example'],
    ['last@split.example'],
  ])
})

test('a deferred message keeps its attempts over a restart of Haraka', async () => {
  await haraka.send({ to: 'a@restart.example' })
  await haraka.waitFor(() => deferred(1).length === 1, 'the message is put off')
  await haraka.stop()
  assert.equal(deferred(1).length, 1)
  await haraka.restart()
  await tryAgainUntil(idle, 'the queue is empty')
  assert.deepEqual(taken('restart.example'), [[], ['a@restart.example'], []])
})

test('a message split at its second attempt keeps its attempts over a restart', async () => {
  await haraka.send({ to: ['a@deep.example', 'last@deep.example'] })
  await haraka.waitFor(() => deferred(1).length === 1, 'the message is put off')
  const [original] = deferred(1)
  await tryAgainUntil(() => taken('deep.example')[1]!.length === 1, 'the second attempt')
  // Haraka counts the recipients that were split off from 0 again: one failure, and one attempt before the split.
  const split = () => deferred(1).length === 1 && deferred(1)[0] !== original
  await haraka.waitFor(() => haraka.queueFiles().length === 1 && split(), 'the split')
  const file = readFileSync(join(haraka.folder, 'queue', deferred(1)[0]!))
  const todo = JSON.parse(file.subarray(4, 4 + file.readUInt32BE()).toString()) as {
    notes: { dns_overrides: { attempts: number } }
  }
  assert.equal(todo.notes.dns_overrides.attempts, 1)
  await haraka.stop()
  await haraka.restart()
  await tryAgainUntil(idle, 'the queue is empty')
  assert.deepEqual(taken('deep.example'), [[], ['a@deep.example'], ['last@deep.example']])
})
