import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { parseQueueName, readQueueFile } from '../../lib/haraka-files/queue-file'
import { needs } from '../support/programs'

const requireHere = createRequire(resolve('package.json'))
const qfile = requireHere('haraka/outbound/qfile') as { name: (parts: object) => string }
const outbound = requireHere('haraka/outbound/index') as {
  build_todo: (todo: object, ws: { write: (bytes: Buffer) => boolean }, done: () => void) => void
}
const { Address } = requireHere('@haraka/email-address') as { Address: new (text: string) => object }

const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-queue-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** A queue file as Haraka itself writes it. */
async function queueFile(name: string, todo: object, message: string): Promise<string> {
  const chunks: Buffer[] = []
  const write = (bytes: Buffer) => {
    chunks.push(bytes)
    return true
  }
  await new Promise<void>((done) => outbound.build_todo(todo, { write }, done))
  const path = join(folder, name)
  writeFileSync(path, Buffer.concat([...chunks, Buffer.from(message)]))
  return path
}

const todo = (changes: object = {}) => ({
  queue_time: 1_779_000_000_000,
  domain: 'gmail.com',
  rcpt_to: [new Address('<a@gmail.com>'), new Address('<b@gmail.com>')],
  mail_from: new Address('<boss@corp.example>'),
  notes: { dns_overrides: { auth_sender: 'fred', attempts: 2, rotation_offset: 7 } },
  uuid: 'X',
  force_tls: false,
  ...changes,
})

test('a queued message gives sender, recipients, size, attempts across a split, user and rotation offset', async () => {
  const name = qfile.name({
    arrival: 1_779_000_000_000,
    next_attempt: 1_779_000_600_000,
    attempts: 3,
    host: 'mail_1',
  })
  const file = await queueFile(name, todo(), 'Subject: x\r\n\r\nhello\r\n')
  assert.deepEqual(readQueueFile(file), {
    file,
    id: 'X',
    domain: 'gmail.com',
    recipients: ['a@gmail.com', 'b@gmail.com'],
    mailFrom: 'boss@corp.example',
    authSender: 'fred',
    size: 21,
    retries: 5,
    attemptsBeforeSplit: 2,
    rotationOffset: 7,
    reply: '',
    failed: '',
    history: [],
    queuedAt: 1_779_000_000_000,
    nextAttempt: 1_779_000_600_000,
  })
})

test('the null sender and missing notes are read', async () => {
  const file = await queueFile('copy.eml', todo({ mail_from: new Address('<>'), notes: {} }), 'x')
  const { mailFrom, authSender, retries, rotationOffset, nextAttempt } = readQueueFile(file)
  assert.deepEqual([mailFrom, authSender, retries, rotationOffset, nextAttempt], ['', '', 0, 0, undefined])
})

test('current and former names of queue files are recognized', () => {
  assert.deepEqual(parseQueueName('1779000000000_1779000600000_2_814_Xk0q1c_3_mail.example'), {
    attempts: 2,
    nextAttempt: 1_779_000_600_000,
  })
  assert.deepEqual(parseQueueName('1484878079415_4_12345_8888.mta1.example.com'), {
    attempts: 4,
    nextAttempt: 1_484_878_079_415,
  })
  assert.deepEqual(parseQueueName('message.txt'), { attempts: 0 })
})

const BROKEN: readonly (readonly [string, Buffer])[] = [
  ['empty', Buffer.alloc(0)],
  ['short', Buffer.from([0, 0])],
  ['a length beyond the file', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0x7b])],
  ['not JSON', Buffer.from('\0\0\0\u0003abc')],
  ['another JSON', Buffer.from('\0\0\0\u0002{}')],
  ['a plain message', Buffer.from('From: a@example.com\r\n\r\nhello\r\n')],
]

for (const [name, content] of BROKEN) {
  test(`not a queue file: ${name}`, () => {
    const file = join(folder, 'broken')
    writeFileSync(file, content)
    assert.throws(() => readQueueFile(file), { code: 'EUSAGE', message: /it is not a queue file of Haraka$/ })
  })
}

test('a FIFO in the queue is refused without waiting', { skip: needs('mkfifo') }, () => {
  const fifo = join(folder, '1779000000000_1779000600000_2_814_Xk0q1c_3_mail.example')
  execFileSync('mkfifo', [fifo])
  assert.throws(() => readQueueFile(fifo), { code: 'EUSAGE', message: /it is not a regular file$/ })
  assert.throws(() => readQueueFile('/dev/zero'), {
    code: 'EUSAGE',
    message: /it is not a regular file$/,
  })
  assert.throws(() => readQueueFile(folder), { code: 'EUSAGE', message: /it is a folder$/ })
})
