import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mock, test, type TestContext } from 'node:test'
import { type Hold, removeHold, writeHold } from '../../lib/relays/holds'
import { readSnapshots, type Snapshot } from '../../lib/relays/snapshot'
import { openStateFolder, prepareStateFolder } from '../../lib/relays/state-folder'
import { deadPid } from '../support/processes'

const snapshot = (holds: Snapshot['holds'] = []): Snapshot => ({ role: 'worker', servers: [], holds })

const ignore = () => {}

function temporary(t: TestContext): string {
  const base = mkdtempSync(join(tmpdir(), 'dns-overrides-state-'))
  t.after(() => rmSync(base, { recursive: true, force: true }))
  return join(base, 'state')
}

function open(t: TestContext, path: string, warnings: string[] = []) {
  const folder = openStateFolder({ path, now: Date.now, warn: (message) => warnings.push(message) })
  t.after(() => folder.close())
  return folder
}

test('the folder is made private to the server', (t) => {
  const path = temporary(t)
  prepareStateFolder(path)
  assert.equal(statSync(path).mode & 0o777, 0o700)
  chmodSync(path, 0o755)
  prepareStateFolder(path)
  assert.equal(statSync(path).mode & 0o777, 0o700)
})

test('a link in place of the folder is not followed', (t) => {
  const path = temporary(t)
  const target = join(path, '..', 'elsewhere')
  mkdirSync(target, { mode: 0o755 })
  symlinkSync(target, path)
  assert.throws(() => prepareStateFolder(path, { uid: 65534, gid: 65534 }), /ENOTDIR|ELOOP/)
  const { mode, uid } = statSync(target)
  assert.deepEqual([mode & 0o777, uid], [0o755, process.getuid?.()])
})

test(
  'the folder is given to the user that the server will run as',
  { skip: process.getuid?.() !== 0 && 'needs root' },
  (t) => {
    const path = temporary(t)
    prepareStateFolder(path, { uid: 65534, gid: 65534 })
    const { uid, gid } = statSync(path)
    assert.deepEqual([uid, gid], [65534, 65534])
  },
)

test('a running worker applies a hold, keeps it over a restart, and ends it on removal', async (t) => {
  const path = temporary(t)
  prepareStateFolder(path)
  const hold = { name: 'isp', since: 1, reason: 'maintenance' }
  writeHold(path, hold)
  const folder = open(t, path)
  assert.deepEqual(folder.holdOf('isp'), hold)
  const changes: (readonly Hold[])[] = []
  folder.publish(
    () => snapshot(folder.holds()),
    (holds) => changes.push(holds),
  )
  removeHold(path, 'isp')
  writeHold(path, { name: 'other', since: 2 })
  // The file system reports it: no sleeping, looked at until it has.
  while (folder.holdOf('isp') !== undefined || folder.holdOf('other') === undefined)
    await new Promise((done) => setImmediate(done))
  assert.deepEqual([changes[0], changes.at(-1)], [[hold], [{ name: 'other', since: 2 }]])
  assert.deepEqual(
    readSnapshots(path, Date.now())[0]?.holds,
    [{ name: 'other', since: 2 }],
    'reported at once',
  )
})

test('a hold ends at its time, and the end is reported', (t) => {
  const path = temporary(t)
  prepareStateFolder(path)
  writeHold(path, { name: 'isp', since: 1, until: 60_000 })
  mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
  t.after(() => mock.timers.reset())
  let now = 59_999
  const folder = openStateFolder({ path, now: () => now, warn: ignore })
  t.after(() => folder.close())
  const changes: number[] = []
  folder.publish(
    () => snapshot(folder.holds()),
    (holds) => changes.push(holds.length),
  )
  now = 60_000
  assert.equal(folder.holdOf('isp'), undefined)
  mock.timers.tick(5_000)
  assert.deepEqual(changes, [1, 0])
})

test('a snapshot is written by rename with private mode, and those of dead processes are removed', async (t) => {
  const path = temporary(t)
  prepareStateFolder(path)
  const gone = await deadPid()
  writeFileSync(join(path, `${gone}.json`), '{}')
  writeFileSync(join(path, `new.${gone}.json`), '{')
  writeFileSync(join(path, '999999999.txt'), 'not ours')
  const folder = open(t, path)
  folder.publish(() => snapshot([{ name: 'isp', since: 1 }]), ignore)
  const file = join(path, `${process.pid}.json`)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')).holds, [{ name: 'isp', since: 1 }])
  assert.deepEqual(readdirSync(path).sort(), [`${process.pid}.json`, '999999999.txt'].toSorted())
})

test('while the folder cannot be read holds stay, and pending writes are made later', (t) => {
  const path = temporary(t)
  prepareStateFolder(path)
  writeHold(path, { name: 'isp', since: 1 })
  const warnings: string[] = []
  mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
  t.after(() => mock.timers.reset())
  const folder = open(t, path, warnings)
  folder.publish(() => snapshot(), ignore)
  renameSync(path, `${path}.away`)
  writeFileSync(path, 'a file in its place')
  for (let i = 0; i < 3; i++) {
    folder.noteChange()
    mock.timers.tick(5_000)
  }
  assert.notEqual(folder.holdOf('isp'), undefined)
  assert.equal(warnings.length, 1)
  rmSync(path)
  renameSync(`${path}.away`, path)
  rmSync(join(path, `${process.pid}.json`))
  folder.noteChange()
  mock.timers.tick(5_000)
  assert.deepEqual(
    readSnapshots(path, Date.now()).map(({ pid }) => pid),
    [process.pid],
  )
})

test('a folder that cannot be used is logged once, without other effect', (t) => {
  const path = temporary(t)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, 'a file in its place')
  const warnings: string[] = []
  const folder = open(t, path, warnings)
  folder.publish(() => snapshot(), ignore)
  folder.noteChange()
  folder.close()
  assert.equal(folder.holdOf('isp'), undefined)
  assert.deepEqual(folder.holds(), [])
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]!, /^the command line cannot show the relays: /)
})
