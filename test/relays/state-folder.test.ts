import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
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
import {
  openStateFolder,
  prepareStateFolder,
  readHolds,
  readSnapshots,
  setHold,
  type Snapshot,
} from '../../lib/relays/state-folder'

const snapshot = (sent: Snapshot['sent'] = {}): Snapshot => ({ servers: [], sent })

const ignore = () => {}

function temporary(t: TestContext): string {
  const base = mkdtempSync(join(tmpdir(), 'dns-overrides-state-'))
  t.after(() => rmSync(base, { recursive: true, force: true }))
  return join(base, 'state')
}

function open(t: TestContext, path: string, pid = process.pid, warnings: string[] = []) {
  const folder = openStateFolder({ path, now: Date.now, warn: (message) => warnings.push(message), pid })
  t.after(() => folder.close())
  return folder
}

/** A process that lives until the test ends: its id is that of a living worker. */
async function living(t: TestContext): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  t.after(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  return child.pid!
}

/** The id of a process that has ended. */
async function dead(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
  await once(child, 'exit')
  return child.pid!
}

test('the folder is for the server alone, also where it was open before', (t) => {
  const path = temporary(t)
  prepareStateFolder(path)
  assert.equal(statSync(path).mode & 0o777, 0o700)
  chmodSync(path, 0o755)
  prepareStateFolder(path)
  assert.equal(statSync(path).mode & 0o777, 0o700)
})

test('a link in its place is not followed', (t) => {
  const path = temporary(t)
  const target = join(path, '..', 'elsewhere')
  mkdirSync(target, { mode: 0o755 })
  symlinkSync(target, path)
  assert.throws(() => prepareStateFolder(path, { uid: 65534, gid: 65534 }), /ENOTDIR|ELOOP/)
  const { mode, uid } = statSync(target)
  assert.deepEqual([mode & 0o777, uid], [0o755, process.getuid?.()])
})

test(
  'it is made over to the user that the server will run as',
  { skip: process.getuid?.() !== 0 && 'needs root' },
  (t) => {
    const path = temporary(t)
    prepareStateFolder(path, { uid: 65534, gid: 65534 })
    const { uid, gid } = statSync(path)
    assert.deepEqual([uid, gid], [65534, 65534])
  },
)

test('a hold is seen by a running worker, is there after a restart, and ends', async (t) => {
  const path = temporary(t)
  prepareStateFolder(path)
  const name = 'isp/../x'
  assert.equal(setHold(path, name, true), true)
  assert.equal(setHold(path, name, true), false)
  const folder = open(t, path)
  assert.equal(folder.held(name), true)
  const told: string[] = []
  folder.publish(snapshot, (names) => told.push(names.join(' ')))
  assert.deepEqual([...readHolds(path).keys()], [name])
  assert.equal(setHold(path, name, false), true)
  assert.equal(setHold(path, name, false), false)
  setHold(path, 'other', true)
  // The file system tells: no sleeping, looked at until it has.
  while (folder.held(name) || !folder.held('other')) await new Promise((done) => setImmediate(done))
  assert.deepEqual([told[0], told.at(-1)], [name, 'other'])
})

test('a snapshot is written by rename, for the owner only, and read back while the worker lives', async (t) => {
  const path = temporary(t)
  prepareStateFolder(path)
  const folder = open(t, path)
  folder.publish(() => snapshot({ 'a:25': [[1, 2]] }), ignore)
  const file = join(path, `${process.pid}.json`)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const [read] = readSnapshots(path, Date.now())
  assert.equal(read?.pid, process.pid)
  assert.deepEqual(read?.sent, { 'a:25': [[1, 2]] })

  const gone = await dead()
  writeFileSync(join(path, `${gone}.json`), readFileSync(file))
  writeFileSync(join(path, '999.json'), 'no JSON')
  assert.deepEqual(
    readSnapshots(path, Date.now()).map(({ pid }) => pid),
    [process.pid],
  )
  assert.equal(
    readdirSync(path).includes(`${gone}.json`),
    true,
    'its successor wants to know what it had sent',
  )
  readSnapshots(path, Date.now() + 3_700_000)
  assert.equal(readdirSync(path).includes(`${gone}.json`), false)
})

test('workers number themselves by who lives', async (t) => {
  const path = temporary(t)
  prepareStateFolder(path)
  const other = await living(t)
  writeFileSync(join(path, `${other}.json`), JSON.stringify({ ...snapshot(), updated: Date.now() }))
  writeFileSync(join(path, `${await dead()}.json`), JSON.stringify({ ...snapshot(), updated: Date.now() }))
  const folder = open(t, path)
  assert.equal(folder.rank(), undefined)
  folder.publish(() => snapshot(), ignore)
  assert.equal(folder.rank(), process.pid < other ? 0 : 1)
})

test('one successor takes over what a dead worker had sent', async (t) => {
  const path = temporary(t)
  prepareStateFolder(path)
  const gone = await dead()
  const sent = { 'a:25': [[Date.now(), 40]] }
  writeFileSync(join(path, `${gone}.json`), JSON.stringify({ servers: [], sent, updated: Date.now() }))
  assert.deepEqual(open(t, path, await dead()).inherited, [{ key: 'a:25', sent: sent['a:25'] }])
  assert.deepEqual(open(t, path, await dead()).inherited, [])
})

test('what another version or a hand has written into a snapshot does no harm', async (t) => {
  const good: [number, number][] = [[1, 2]]
  for (const [sent, expected] of [
    [null, []],
    [undefined, []],
    ['text', []],
    [{ 'a:25': 5 }, [{ key: 'a:25', sent: [] }]],
    [{ 'a:25': [[1, 2], null, [1], ['1', 2], [1, -1], [1, 2, 3]] }, [{ key: 'a:25', sent: good }]],
  ] as const) {
    const path = temporary(t)
    prepareStateFolder(path)
    const file = join(path, `${await dead()}.json`)
    writeFileSync(file, JSON.stringify({ servers: [], sent, updated: Date.now() }))
    assert.deepEqual(open(t, path).inherited, expected)
  }
})

test('while the folder cannot be seen, what is held stays held; what could not be written is written later', (t) => {
  const path = temporary(t)
  prepareStateFolder(path)
  setHold(path, 'isp', true)
  const warnings: string[] = []
  mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
  t.after(() => mock.timers.reset())
  const folder = open(t, path, process.pid, warnings)
  folder.publish(snapshot, ignore)
  renameSync(path, `${path}.away`)
  writeFileSync(path, 'a file in its place')
  for (let i = 0; i < 3; i++) {
    folder.changed()
    mock.timers.tick(5_000)
  }
  assert.equal(folder.held('isp'), true)
  assert.equal(warnings.length, 1)
  rmSync(path)
  renameSync(`${path}.away`, path)
  rmSync(join(path, `${process.pid}.json`))
  folder.changed()
  mock.timers.tick(5_000)
  assert.deepEqual(
    readSnapshots(path, Date.now()).map(({ pid }) => pid),
    [process.pid],
  )
})

test('a folder that cannot be used is said once, and nothing else happens', (t) => {
  const path = temporary(t)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, 'a file in its place')
  const warnings: string[] = []
  const folder = open(t, path, process.pid, warnings)
  folder.publish(() => snapshot(), ignore)
  folder.changed()
  folder.close()
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]!, /^relays cannot be shown by the command line: ENOTDIR/)
  assert.equal(folder.held('isp'), false)
  assert.equal(folder.rank(), undefined)
})
