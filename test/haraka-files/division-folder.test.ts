import assert from 'node:assert/strict'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import {
  commitDivision,
  createDivisionFolder,
  endDivision,
  moveParts,
  recoverDivisions,
  undoDivision,
  type DivisionFolder,
} from '../../lib/haraka-files/division-folder'

const MESSAGE = '1779000000000_1779000600000_2_814_Xk0q1c_3_mail'
const PARTS = ['a', 'b', 'c'].map((uid) => `1779000000000_1779000600000_2_814_${uid}_4_mail`)

function queueOf(t: TestContext): string {
  const queue = mkdtempSync(join(tmpdir(), 'dns-overrides-division-'))
  t.after(() => rmSync(queue, { recursive: true }))
  writeFileSync(join(queue, MESSAGE), 'message')
  return queue
}

function begin(queue: string, pid = 814): DivisionFolder {
  const folder = createDivisionFolder(queue, pid, MESSAGE)
  for (const name of PARTS) writeFileSync(join(folder.path, name), name)
  return folder
}

/** Where a process may be killed, and what is in the queue after the recovery. */
const MOMENTS: readonly (readonly [string, (folder: DivisionFolder) => void, 'undone' | 'completed'])[] = [
  ['a part is not written to its end', ({ path }) => writeFileSync(join(path, PARTS[2]!), ''), 'undone'],
  ['the last part is not there', ({ path }) => rmSync(join(path, PARTS[2]!)), 'undone'],
  ['all parts are written', () => {}, 'undone'],
  ['half of them are removed again', ({ path }) => rmSync(join(path, PARTS[0]!)), 'undone'],
  ['it is committed', (folder) => commitDivision(folder, join(folder.queue, MESSAGE)), 'completed'],
  [
    'a part is in the queue',
    (folder) => {
      commitDivision(folder, join(folder.queue, MESSAGE))
      writeFileSync(join(folder.queue, PARTS[0]!), PARTS[0]!)
      rmSync(join(folder.path, PARTS[0]!))
    },
    'completed',
  ],
  [
    'all parts are in the queue',
    (folder) => {
      commitDivision(folder, join(folder.queue, MESSAGE))
      moveParts(folder)
    },
    'completed',
  ],
]

for (const [title, reach, end] of MOMENTS) {
  test(`a division killed when ${title}: ${end}`, (t) => {
    const queue = queueOf(t)
    reach(begin(queue))
    assert.deepEqual(
      recoverDivisions(queue).map((division) => division.end),
      [end],
    )
    const names = readdirSync(queue).toSorted()
    assert.deepEqual(names, end === 'undone' ? [MESSAGE] : PARTS)
    for (const name of names)
      assert.equal(readFileSync(join(queue, name), 'utf8'), name === MESSAGE ? 'message' : name)
  })
}

test('a division killed when only its folder is left is undone', (t) => {
  const queue = queueOf(t)
  const folder = begin(queue)
  commitDivision(folder, join(queue, MESSAGE))
  moveParts(folder)
  rmSync(join(folder.path, 'original'))
  assert.equal(recoverDivisions(queue)[0]?.end, 'undone')
  assert.deepEqual(readdirSync(queue).toSorted(), PARTS)
})

test('recovery can be repeated after it failed half-way', (t) => {
  const queue = queueOf(t)
  const folder = begin(queue)
  commitDivision(folder, join(queue, MESSAGE))
  // Something that is no part keeps the folder from being removed.
  writeFileSync(join(folder.path, 'stranger'), '')
  const [failed] = recoverDivisions(queue)
  assert.equal(failed?.end, 'failed')
  assert.match(String(failed?.error), /ENOTEMPTY/)
  assert.ok(PARTS.every((name) => existsSync(join(queue, name))))
  rmSync(join(failed!.folder, 'stranger'))
  assert.equal(recoverDivisions(queue)[0]?.end, 'undone')
  assert.deepEqual(readdirSync(queue).toSorted(), PARTS)
})

test('a worker recovers only the divisions of the process whose queue it takes over', (t) => {
  const queue = queueOf(t)
  begin(queue, 1)
  begin(queue, 11)
  assert.equal(recoverDivisions(queue, 11).length, 1)
  assert.deepEqual(readdirSync(queue), [MESSAGE, `error.dns_overrides_division.1.${MESSAGE}`])
})

test('a division that has been undone cannot be committed', (t) => {
  const queue = queueOf(t)
  const folder = begin(queue)
  recoverDivisions(queue)
  assert.throws(() => commitDivision(folder, join(queue, MESSAGE)), /ENOENT/)
  assert.deepEqual(readdirSync(queue), [MESSAGE])
})

test('a message that is gone is not divided', (t) => {
  const queue = queueOf(t)
  const folder = begin(queue)
  rmSync(join(queue, MESSAGE))
  assert.throws(() => commitDivision(folder, join(queue, MESSAGE)), /ENOENT/)
  undoDivision(folder)
  assert.deepEqual(readdirSync(queue), [])
})

test('a division moves its parts into the queue and removes its folder', (t) => {
  const queue = queueOf(t)
  const folder = begin(queue)
  commitDivision(folder, join(queue, MESSAGE))
  assert.deepEqual(moveParts(folder).moved.toSorted(), PARTS)
  endDivision(folder)
  assert.deepEqual(readdirSync(queue).toSorted(), PARTS)
})

test('a link in place of the folder is ignored', (t) => {
  const queue = queueOf(t)
  const elsewhere = mkdtempSync(join(tmpdir(), 'dns-overrides-elsewhere-'))
  t.after(() => rmSync(elsewhere, { recursive: true }))
  writeFileSync(join(elsewhere, PARTS[0]!), '')
  symlinkSync(elsewhere, join(queue, `error.dns_overrides_division.1.${MESSAGE}`))
  assert.deepEqual(recoverDivisions(queue), [])
  assert.deepEqual(readdirSync(elsewhere), [PARTS[0]])
})

test('recovery without a queue folder does nothing', () => {
  assert.deepEqual(recoverDivisions('/nowhere/queue'), [])
})
