import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createDivisionFolder } from '../../../lib/haraka-files/division-folder'
import { recoverInterruptedDivisions } from '../../../lib/haraka/division/recovery'
import { SILENT_LOG } from '../../support/silent-log'

const MESSAGE = '1779000000000_1779000600000_2_814_Xk0q1c_3_mail'

/** A queue in which the processes 5 and 6 have begun to divide a message. */
function queueOf(t: TestContext): string {
  const queue = mkdtempSync(join(tmpdir(), 'dns-overrides-recovery-'))
  t.after(() => rmSync(queue, { recursive: true }))
  for (const pid of [5, 6]) {
    writeFileSync(join(createDivisionFolder(queue, pid, MESSAGE).path, MESSAGE), '')
  }
  return queue
}

const SENDER = { kind: 'sender', replaceable: false } as const
const MASTER = { kind: 'master', replaceable: false } as const
const WORKER = { kind: 'sender', replaceable: true } as const
const TOOL = { kind: 'tool', replaceable: false } as const

for (const role of [SENDER, MASTER]) {
  test(`the ${role.kind} recovers all interrupted divisions at its start`, (t) => {
    const queue = queueOf(t)
    recoverInterruptedDivisions(() => queue, role, SILENT_LOG, new EventEmitter())
    assert.deepEqual(readdirSync(queue), [])
  })
}

test('a worker recovers the divisions of the process whose queue it takes over, before Haraka reads the queue', (t) => {
  const queue = queueOf(t)
  const messages = new EventEmitter()
  const seen: number[] = []
  messages.on('message', () => seen.push(readdirSync(queue).length))
  const stop = recoverInterruptedDivisions(() => queue, WORKER, SILENT_LOG, messages)
  assert.equal(readdirSync(queue).length, 2)
  for (const message of [undefined, 'text', { event: 'outbound.flush_queue', data: 5 }]) {
    messages.emit('message', message)
  }
  messages.emit('message', { event: 'outbound.load_pid_queue', data: '5' })
  assert.deepEqual(seen, [2, 2, 2, 1])
  assert.match(readdirSync(queue)[0]!, /division\.6\./)
  stop()
  messages.emit('message', { event: 'outbound.load_pid_queue', data: '6' })
  assert.equal(readdirSync(queue).length, 1)
})

test('a tool that only lists plugins changes nothing', (t) => {
  const queue = queueOf(t)
  recoverInterruptedDivisions(() => queue, TOOL, SILENT_LOG, new EventEmitter())
  assert.equal(readdirSync(queue).length, 2)
})

test('a failed recovery is an error in the log, and the server starts', (t) => {
  const queue = queueOf(t)
  const [folder] = readdirSync(queue)
  writeFileSync(join(queue, folder!, 'stranger'), '')
  const errors: unknown[] = []
  const log = { ...SILENT_LOG, logerror: (text: unknown) => errors.push(text) }
  recoverInterruptedDivisions(() => queue, MASTER, log, new EventEmitter())
  assert.equal(errors.length, 1)
  assert.match(String(errors[0]), /interrupted, and waits in .*dns_overrides_recovery\.5\..*ENOTEMPTY/)
  assert.equal(readdirSync(queue).length, 1)
})
