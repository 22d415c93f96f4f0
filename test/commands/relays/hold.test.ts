import assert from 'node:assert/strict'
import { chownSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { prepareStateFolder } from '../../../lib/relays/state-folder'
import { startWorker } from '../worker'
import { TIME, relaysFolders } from '../relays-folders'

const setup = relaysFolders()

const holdFiles = (state: string) => readdirSync(state).filter((file) => file.startsWith('hold.'))

/** A user that every system has, and that owns nothing here. */
const NOBODY = 65_534

test('relays: --hold and --resume ignore the case of the name, and wait until the workers confirm', async (t) => {
  const { relays, state } = setup(t)
  startWorker(t, state)
  const held = await relays('--hold', '@spare')
  assert.equal(held.status, 0)
  assert.equal(held.err, '@Spare is held: no mail goes to it until it is resumed; confirmed by 1 worker\n')
  assert.match(held.out, new RegExp(`^@Spare {2}spare\\.example:25 {2}held by hand since ${TIME}$`, 'm'))
  assert.deepEqual(holdFiles(state), ['hold.Spare'])
  assert.equal((await relays()).status, 75, 'a relay is held')
  assert.match((await relays('--hold', 'Spare')).err, /^@Spare was held already; confirmed by 1 worker$/m)
  assert.match((await relays('--resume', 'Spare')).err, /^@Spare is resumed; confirmed by 1 worker$/m)
  assert.match((await relays('--resume', 'Spare')).err, /^@Spare was not held; confirmed by 1 worker$/m)
  assert.deepEqual(holdFiles(state), [])
  assert.equal((await relays()).status, 0)
})

test('relays: --for and --reason set the end and the reason of a hold', async (t) => {
  const { relays, state } = setup(t)
  startWorker(t, state)
  const held = await relays('--hold', 'isp', '--for', '2h', '--reason', ' maintenance\u001b[2J ')
  assert.equal(held.status, 0)
  assert.match(
    held.err,
    new RegExp(
      `^@isp is held: no mail goes to it for 2h, until ${TIME} \\(maintenance\ufffd\\[2J\\); confirmed`,
    ),
  )
  assert.match(
    held.out,
    new RegExp(`held by hand since ${TIME}, until ${TIME}: maintenance\ufffd\\[2J$`, 'm'),
  )
  const { out } = await relays('--json')
  const { hold } = (JSON.parse(out) as { relays: { hold: Record<string, string> }[] }).relays[0]!
  assert.equal(hold.reason, 'maintenance\ufffd[2J')
  assert.equal(Math.round((Date.parse(hold.until!) - Date.parse(hold.since!)) / 60_000), 120)
})

test('relays: --hold fails without a running server, and leaves no file', async (t) => {
  const { folder, relays, state } = setup(t)
  const expected = new RegExp(
    `^dns-overrides: cannot hold @isp: no running Haraka uses ${state}, so a hold would have no effect \\(is --config or HARAKA right\\?\\)\n$`,
  )
  const absent = await relays('--hold', 'isp')
  assert.equal(absent.status, 75)
  assert.match(absent.err, expected)
  assert.deepEqual(readdirSync(folder), ['config'])
  prepareStateFolder(state)
  const unused = await relays('--hold', 'isp')
  assert.equal(unused.status, 75)
  assert.match(unused.err, expected)
  assert.deepEqual(readdirSync(state), [])
})

test('relays: a relay that was removed from the file can still be resumed', async (t) => {
  const { relays, state } = setup(t)
  prepareStateFolder(state)
  writeFileSync(join(state, 'hold.gone'), '')
  const listed = await relays()
  assert.equal(listed.status, 75)
  assert.match(
    listed.out,
    new RegExp(`^@gone {2}not in the configuration {2}held by hand since ${TIME}$`, 'm'),
  )
  assert.match(
    (await relays('--resume', 'gone')).err,
    /^@gone is resumed; no server runs that could confirm it$/m,
  )
})

test('relays: a hold keeps owner and mode of the folder, and belongs to its owner, even if root writes it', async (t) => {
  const { relays, state } = setup(t)
  startWorker(t, state)
  if (process.getuid?.() === 0) chownSync(state, NOBODY, NOBODY)
  const { uid, gid, mode } = statSync(state)
  await relays('--hold', 'isp')
  const folder = statSync(state)
  assert.deepEqual([folder.uid, folder.gid, folder.mode], [uid, gid, mode])
  const file = statSync(join(state, 'hold.isp'))
  assert.deepEqual([file.uid, file.gid], [uid, gid])
})

test('relays: a folder that cannot be written to is an error of one line', async (t) => {
  const { relays, state } = setup(t)
  writeFileSync(state, 'a file in its place')
  const { status, err } = await relays('--hold', 'isp')
  assert.equal(status, 70)
  assert.match(err, /^dns-overrides: cannot hold @isp: [^\n]+ is not a folder\n$/)
})
