import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { LONGEST_REASON, readHolds, removeHold, writeHold } from '../../lib/relays/holds'
import { temporaryName } from '../../lib/relays/private-file'

const T = 1_750_000_000_000

function temporary(t: TestContext): string {
  const base = mkdtempSync(join(tmpdir(), 'dns-overrides-holds-'))
  t.after(() => rmSync(base, { recursive: true, force: true }))
  mkdirSync(join(base, 'state'), { mode: 0o700 })
  return join(base, 'state')
}

test('a hold is written, read, replaced and removed', (t) => {
  const folder = temporary(t)
  const hold = { name: 'isp/../x', since: T, until: T + 60_000, reason: 'maintenance' }
  writeHold(folder, hold)
  assert.deepEqual([...readHolds(folder, T).values()], [hold])
  const later = { name: 'isp/../x', since: T + 1 }
  writeHold(folder, later)
  assert.deepEqual([...readHolds(folder, T).values()], [later])
  assert.equal(removeHold(folder, hold.name), true)
  assert.equal(removeHold(folder, hold.name), false)
  assert.deepEqual(readdirSync(folder), [])
})

test('an incomplete hold file does not hold another relay', (t) => {
  const folder = temporary(t)
  writeHold(folder, { name: 'isp', since: T })
  const [file] = readdirSync(folder)
  // what a reader sees between the making of the file and its first byte
  writeFileSync(join(folder, temporaryName(file!)), '')
  assert.deepEqual([...readHolds(folder, T).keys()], ['isp'])
})

test('a hold ends at its time', (t) => {
  const folder = temporary(t)
  writeHold(folder, { name: 'isp', since: T, until: T + 60_000 })
  assert.equal(readHolds(folder, T + 59_999).size, 1)
  assert.equal(readHolds(folder, T + 60_000).size, 0)
})

test('relays with names of any length and script can be held', (t) => {
  const folder = temporary(t)
  const names = ['x'.repeat(300), `${'x'.repeat(299)}y`, 'ü'.repeat(100), '%', 'a b', '.', '..']
  for (const name of names) writeHold(folder, { name, since: T })
  assert.deepEqual([...readHolds(folder, T).keys()].sort(), names.toSorted())
  for (const name of names) assert.equal(removeHold(folder, name), true)
  assert.deepEqual(readdirSync(folder), [])
})

test('a reason is printable and bounded, even in a foreign file', (t) => {
  const folder = temporary(t)
  writeHold(folder, { name: 'a', since: T, reason: `\u001b[2J\u202e${'x'.repeat(500)}` })
  writeFileSync(join(folder, 'hold.b'), JSON.stringify({ name: 'b', since: T, reason: '\u009b\n1' }))
  const holds = readHolds(folder, T)
  assert.equal(holds.get('a')?.reason, `\ufffd[2J\ufffd${'x'.repeat(LONGEST_REASON - 5)}...`)
  assert.equal(holds.get('b')?.reason, '\ufffd\ufffd1')
})

test('an empty file is a hold of the previous version', (t) => {
  const folder = temporary(t)
  writeFileSync(join(folder, 'hold.old%2Fone'), '')
  assert.deepEqual([...readHolds(folder, Date.now()).keys()], ['old/one'])
})

test('a foreign file holds nothing and does no harm', (t) => {
  const folder = temporary(t)
  const files: Record<string, string> = {
    'hold.null': 'null',
    'hold.array': '[]',
    'hold.text': 'held',
    'hold.%': '',
    'hold.%1b': '',
    'hold.other': JSON.stringify({ name: 'isp', since: T }),
    'hold.number': JSON.stringify({ name: 5 }),
    'hold.large': ' '.repeat(100_000),
  }
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  execFileSync('mkfifo', [join(folder, 'hold.fifo')])
  symlinkSync('/etc/hostname', join(folder, 'hold.link'))
  mkdirSync(join(folder, 'hold.folder'))
  writeFileSync(join(folder, 'hold.times'), JSON.stringify({ name: 'times', since: 'x', until: 1e300 }))
  assert.deepEqual([...readHolds(folder, T).values()], [{ name: 'times', since: 0 }])
})

test('a folder that is a link is refused, and a missing one holds nothing', (t) => {
  const folder = temporary(t)
  writeHold(folder, { name: 'isp', since: T })
  const link = `${folder}.link`
  symlinkSync(folder, link)
  assert.throws(() => readHolds(link, T), /is a link, which is not followed/)
  assert.throws(() => writeHold(link, { name: 'isp', since: T }), /is a link/)
  assert.throws(() => removeHold(link, 'isp'), /is a link/)
  assert.equal(readHolds(`${folder}.absent`, T).size, 0)
})

test(
  'a file written by root belongs to the owner of the folder, which is unchanged',
  { skip: process.getuid?.() !== 0 && 'needs root' },
  (t) => {
    const folder = temporary(t)
    chownSync(folder, 65534, 65534)
    writeHold(folder, { name: 'isp', since: T })
    removeHold(folder, 'isp')
    writeHold(folder, { name: 'isp', since: T })
    const facts = [folder, join(folder, 'hold.isp')].map((path) => {
      const { uid, gid, mode } = statSync(path)
      return [uid, gid, mode & 0o777]
    })
    assert.deepEqual(facts, [
      [65534, 65534, 0o700],
      [65534, 65534, 0o600],
    ])
  },
)
