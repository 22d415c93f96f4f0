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
  commitSplit,
  createSplitFolder,
  endSplit,
  moveParts,
  recoverSplits,
  undoSplit,
  type SplitFolder,
} from '../../lib/haraka-files/split-folder'

const MESSAGE = '1779000000000_1779000600000_2_814_Xk0q1c_3_mail'
const PARTS = ['a', 'b', 'c'].map((uid) => `1779000000000_1779000600000_2_814_${uid}_4_mail`)

function queueOf(t: TestContext): string {
  const queue = mkdtempSync(join(tmpdir(), 'dns-overrides-split-'))
  t.after(() => rmSync(queue, { recursive: true }))
  writeFileSync(join(queue, MESSAGE), 'message')
  return queue
}

function begin(queue: string, pid = 814): SplitFolder {
  const folder = createSplitFolder(queue, pid, MESSAGE)
  for (const name of PARTS) writeFileSync(join(folder.path, name), name)
  return folder
}

/** Where a process may be killed, and what is in the queue after the recovery. */
const MOMENTS: readonly (readonly [string, (folder: SplitFolder) => void, 'undone' | 'completed'])[] = [
  ['a part is not written to its end', ({ path }) => writeFileSync(join(path, PARTS[2]!), ''), 'undone'],
  ['the last part is not there', ({ path }) => rmSync(join(path, PARTS[2]!)), 'undone'],
  ['all parts are written', () => {}, 'undone'],
  ['half of them are removed again', ({ path }) => rmSync(join(path, PARTS[0]!)), 'undone'],
  ['it is committed', (folder) => commitSplit(folder, join(folder.queue, MESSAGE)), 'completed'],
  [
    'a part is in the queue',
    (folder) => {
      commitSplit(folder, join(folder.queue, MESSAGE))
      writeFileSync(join(folder.queue, PARTS[0]!), PARTS[0]!)
      rmSync(join(folder.path, PARTS[0]!))
    },
    'completed',
  ],
  [
    'all parts are in the queue',
    (folder) => {
      commitSplit(folder, join(folder.queue, MESSAGE))
      moveParts(folder)
    },
    'completed',
  ],
]

for (const [title, reach, end] of MOMENTS) {
  test(`killed when ${title}: ${end}`, (t) => {
    const queue = queueOf(t)
    reach(begin(queue))
    assert.deepEqual(
      recoverSplits(queue).map((split) => split.end),
      [end],
    )
    const names = readdirSync(queue).toSorted()
    assert.deepEqual(names, end === 'undone' ? [MESSAGE] : PARTS)
    for (const name of names)
      assert.equal(readFileSync(join(queue, name), 'utf8'), name === MESSAGE ? 'message' : name)
  })
}

test('killed when only the folder is left', (t) => {
  const queue = queueOf(t)
  const folder = begin(queue)
  commitSplit(folder, join(queue, MESSAGE))
  moveParts(folder)
  rmSync(join(folder.path, 'original'))
  assert.equal(recoverSplits(queue)[0]?.end, 'undone')
  assert.deepEqual(readdirSync(queue).toSorted(), PARTS)
})

test('killed in the middle of a recovery, it is made again', (t) => {
  const queue = queueOf(t)
  const folder = begin(queue)
  commitSplit(folder, join(queue, MESSAGE))
  // Something that is no part keeps the folder from being removed.
  writeFileSync(join(folder.path, 'stranger'), '')
  const [failed] = recoverSplits(queue)
  assert.equal(failed?.end, 'failed')
  assert.match(String(failed?.error), /ENOTEMPTY/)
  assert.ok(PARTS.every((name) => existsSync(join(queue, name))))
  rmSync(join(failed!.folder, 'stranger'))
  assert.equal(recoverSplits(queue)[0]?.end, 'undone')
  assert.deepEqual(readdirSync(queue).toSorted(), PARTS)
})

test('a worker ends the splits of the process whose queue it gets, and of no other', (t) => {
  const queue = queueOf(t)
  begin(queue, 1)
  begin(queue, 11)
  assert.equal(recoverSplits(queue, 11).length, 1)
  assert.deepEqual(readdirSync(queue), [MESSAGE, `error.dns_overrides_split.1.${MESSAGE}`])
})

test('a split that is being undone can no longer be committed', (t) => {
  const queue = queueOf(t)
  const folder = begin(queue)
  recoverSplits(queue)
  assert.throws(() => commitSplit(folder, join(queue, MESSAGE)), /ENOENT/)
  assert.deepEqual(readdirSync(queue), [MESSAGE])
})

test('a message that is gone is not divided', (t) => {
  const queue = queueOf(t)
  const folder = begin(queue)
  rmSync(join(queue, MESSAGE))
  assert.throws(() => commitSplit(folder, join(queue, MESSAGE)), /ENOENT/)
  undoSplit(folder)
  assert.deepEqual(readdirSync(queue), [])
})

test('from beginning to end', (t) => {
  const queue = queueOf(t)
  const folder = begin(queue)
  commitSplit(folder, join(queue, MESSAGE))
  assert.deepEqual(moveParts(folder).moved.toSorted(), PARTS)
  endSplit(folder)
  assert.deepEqual(readdirSync(queue).toSorted(), PARTS)
})

test('a link in the place of the folder is left alone', (t) => {
  const queue = queueOf(t)
  const elsewhere = mkdtempSync(join(tmpdir(), 'dns-overrides-elsewhere-'))
  t.after(() => rmSync(elsewhere, { recursive: true }))
  writeFileSync(join(elsewhere, PARTS[0]!), '')
  symlinkSync(elsewhere, join(queue, `error.dns_overrides_split.1.${MESSAGE}`))
  assert.deepEqual(recoverSplits(queue), [])
  assert.deepEqual(readdirSync(elsewhere), [PARTS[0]])
})

test('without a queue folder there is nothing to do', () => {
  assert.deepEqual(recoverSplits('/nowhere/queue'), [])
})
