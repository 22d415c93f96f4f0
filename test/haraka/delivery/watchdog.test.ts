import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { mock, test, type TestContext } from 'node:test'
import type { HarakaSocket } from '../../../lib/haraka/delivery/types'
import { replyPatience, watchProgress } from '../../../lib/haraka/delivery/watchdog'

const PATIENCE = 600_000

function watched(t: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const socket = new EventEmitter()
  const targetsocket = { destroyed: false, bytesWritten: 0, writableLength: 0 }
  const errors: unknown[] = []
  socket.on('error', (error) => errors.push(error))
  watchProgress(Object.assign(socket, { targetsocket }) as unknown as HarakaSocket, PATIENCE)
  return {
    errors,
    targetsocket,
    says: (text: string) => socket.emit('data', Buffer.from(text)),
    later: () => mock.timers.tick(PATIENCE),
  }
}

test('Haraka’s timeout of half a minute makes ten minutes for a reply', () => {
  assert.equal(replyPatience(30), PATIENCE)
  assert.equal(replyPatience(undefined), PATIENCE)
  assert.equal(replyPatience(0), PATIENCE)
  assert.equal(replyPatience(0.5), 10_000)
})

test('letters and lines without end are no reply', (t) => {
  const { errors, says, later } = watched(t)
  says('220 well')
  says('come\r\n25')
  says('0-a\r\n250 b\r\n')
  later()
  assert.deepEqual(errors, [])
  for (const text of ['2', '50-', 'x\r\n', '250-y\r\n', '250']) says(text)
  later()
  assert.deepEqual(errors, ['no reply within 600 s'])
  later()
  assert.equal(errors.length, 1)
})

test('a long message on its way is progress, one that is stuck is none', (t) => {
  const { errors, targetsocket, later } = watched(t)
  targetsocket.bytesWritten = 100_000
  targetsocket.writableLength = 60_000
  later()
  targetsocket.bytesWritten = 160_000
  targetsocket.writableLength = 119_999
  later()
  assert.deepEqual(errors, [])
  later()
  assert.equal(errors.length, 1)
})

test('a connection that is closed is watched no more', (t) => {
  const { errors, targetsocket, later } = watched(t)
  targetsocket.destroyed = true
  later()
  later()
  assert.deepEqual(errors, [])
})
