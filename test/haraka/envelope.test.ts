import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageReader, keepAuthSender, keepRotationOffset } from '../../lib/haraka/envelope'
import type { HarakaAddress, Notes } from '../../lib/haraka-objects/plugin'
import type { HMailItem } from '../../lib/haraka-objects/outbound'

type AddressClass = new (text: string) => HarakaAddress

const { Address: ModernAddress } = require('@haraka/email-address') as { Address: AddressClass }

const QUEUED = 1_779_000_000_000

function message(notes: unknown, num_failures = 0): HMailItem {
  const todo = {
    domain: 'Bücher.Example',
    queue_time: QUEUED,
    mail_from: new ModernAddress('<fred@example.com>'),
    rcpt_to: [new ModernAddress('<joe@Bücher.Example>')],
    notes,
  }
  return { todo, num_failures, file_size: 1500, data_start: 500 } as unknown as HMailItem
}

test('the rules see these fields of a message', () => {
  const notes: Notes = {
    dns_overrides: { auth_sender: 'joe', rotation_offset: 7, reply: '550 5.7.1 blocked', failed: 'rcpt' },
  }
  assert.deepEqual(new MessageReader(() => QUEUED + 60_000).read(message(notes, 3)), {
    domain: 'xn--bcher-kva.example',
    mailFrom: 'fred@example.com',
    rcptTo: ['joe@Bücher.Example'],
    authSender: 'joe',
    size: 1000,
    ageMs: 60_000,
    retries: 3,
    reply: '550 5.7.1 blocked',
    failed: 'rcpt',
    rotationOffset: 7,
  })
})

test('attempts are counted on after Haraka splits the message, and after a restart', () => {
  const reader = new MessageReader()
  const original = message({}, 2)
  assert.equal(reader.read(original).retries, 2)
  assert.equal(reader.read(original).retries, 2, 'looking twice counts nothing')

  // Haraka copies the notes into the new file, gives it no attempts, and fails it at once.
  const split = message(structuredClone(original.todo.notes), 1)
  assert.equal(reader.read(split).retries, 3)
  Object.assign(split, { num_failures: 2 })
  assert.equal(reader.read(split).retries, 4)

  // After a restart the file is read again: the notes as the split wrote them, the failures in its name.
  const again = message({ dns_overrides: { attempts: 2 } }, 2)
  assert.equal(new MessageReader().read(again).retries, 4)

  const second = message(structuredClone(split.todo.notes), 1)
  assert.equal(reader.read(second).retries, 5, 'a split of a split')

  Object.assign(original, { num_failures: 3 })
  assert.equal(reader.read(original).retries, 3, 'the one that was split counts for itself')
})

test('malformed notes are ignored', () => {
  const strange: unknown[] = [
    {},
    { dns_overrides: null },
    { dns_overrides: 5 },
    { dns_overrides: 'text' },
    { dns_overrides: [1, 2] },
    { dns_overrides: { attempts: -1, rotation_offset: 1.5, auth_sender: 3 } },
    { dns_overrides: { attempts: '4', rotation_offset: null, auth_sender: { a: 1 } } },
    { dns_overrides: { attempts: 1e300, rotation_offset: [], auth_sender: null } },
  ]
  for (const notes of strange) {
    const { retries, rotationOffset, authSender } = new MessageReader().read(message(notes, 1))
    assert.deepEqual(
      { retries, rotationOffset, authSender },
      { retries: 1, rotationOffset: 0, authSender: '' },
    )
  }
})

test('a recipient with a missing or malformed domain does not throw', () => {
  for (const domain of ['', '..', 'a b', '-'.repeat(300)]) {
    const hmail = message({})
    Object.assign(hmail.todo, { domain })
    assert.equal(typeof new MessageReader().read(hmail).domain, 'string')
  }
})

test('the user name is kept in the notes, the password is not', () => {
  const notes: Notes = {}
  keepAuthSender({ notes: { auth_user: 'fred', auth_passwd: 'hunter2' }, transaction: { notes } })
  keepRotationOffset({ transaction: { notes } }, 12)
  assert.deepEqual(notes, { dns_overrides: { auth_sender: 'fred', rotation_offset: 12 } })
})

test('nothing is kept without authentication or transaction', () => {
  const notes: Notes = {}
  keepAuthSender({ notes: {}, transaction: { notes } })
  keepAuthSender({ notes: { auth_user: 5 }, transaction: { notes } })
  keepAuthSender({ notes: { auth_user: 'fred' }, transaction: null })
  keepRotationOffset({}, 1)
  assert.deepEqual(notes, {})
})
