import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { replaceNotes } from '../../lib/haraka-files/queue-header'
import { readQueueFile } from '../../lib/haraka-files/queue-file'

const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-header-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const NAME = '1779000000000_1779000600000_2_814_Xk0q1c_3_mail.example'
const address = (user: string) => ({
  original: `<${user}@d.example>`,
  original_host: 'd.example',
  host: 'd.example',
  user,
})
const TODO = {
  queue_time: 1_779_000_000_000,
  domain: 'd.example',
  rcpt_to: [address('a')],
  mail_from: address('s'),
  notes: { other: { plugin: ['x', null, 1.5] }, dns_overrides: { rotation_offset: 3 } },
  uuid: 'X.1',
  more: 'kept',
}

function queueFile(message: Buffer): string {
  const header = Buffer.from(`\n${JSON.stringify(TODO, null, '\t')}\n`)
  const prefix = Buffer.alloc(4)
  prefix.writeUInt32BE(header.length)
  const path = join(folder, NAME)
  writeFileSync(path, Buffer.concat([prefix, header, message]))
  return path
}

for (const [what, message] of [
  ['nothing', Buffer.alloc(0)],
  ['a short message', Buffer.from('Subject: x\r\n\r\n\0\xff binary\r\n', 'latin1')],
  ['a message of more than one piece', Buffer.alloc(700_001, 'abc\r\n')],
] as const) {
  test(`the notes are replaced and the rest stays: ${what}`, async () => {
    const path = queueFile(message)
    chmodSync(path, 0o640)
    const own = { rotation_offset: 3, reply: '550 5.7.1 blocked', failed: 'rcpt' }
    const { size, dataStart } = await replaceNotes(path, own)
    const bytes = readFileSync(path)
    assert.equal(bytes.length, size)
    assert.deepEqual(bytes.subarray(dataStart), message)
    assert.equal(bytes.readUInt32BE(0), dataStart - 4)
    assert.deepEqual(JSON.parse(bytes.subarray(4, dataStart).toString()), {
      ...TODO,
      notes: { ...TODO.notes, dns_overrides: own },
    })
    assert.equal(statSync(path).mode & 0o777, 0o640)
    assert.deepEqual(readdirSync(folder), [NAME], 'nothing is left beside it')
    const { reply, failed, size: messageSize } = readQueueFile(path)
    assert.deepEqual([reply, failed, messageSize], ['550 5.7.1 blocked', 'rcpt', message.length])
  })
}

test('a process that reads the file meanwhile still reads the old one', async () => {
  const path = queueFile(Buffer.from('message'))
  const before = readFileSync(path)
  const reader = openSync(path, 'r')
  await replaceNotes(path, { rotation_offset: 4 })
  const seen = Buffer.alloc(before.length)
  assert.equal(readSync(reader, seen, 0, seen.length, 0), before.length)
  assert.deepEqual(seen, before)
})

for (const [what, content] of [
  ['empty', Buffer.alloc(0)],
  ['cut short', Buffer.from([0, 0, 1, 0, 0x7b])],
  ['not JSON', Buffer.from('\0\0\0\u0003abc')],
] as const) {
  test(`a file that is not a queue file is not changed: ${what}`, async () => {
    const path = join(folder, NAME)
    writeFileSync(path, content)
    await assert.rejects(replaceNotes(path, { rotation_offset: 1 }))
    assert.deepEqual(readFileSync(path), content)
    assert.deepEqual(readdirSync(folder), [NAME])
  })
}
