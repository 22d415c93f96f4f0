import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { QueueFiles } from '../../lib/haraka/queue-files'
import type { HMailItem } from '../../lib/haraka-objects/outbound'

function setup(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'queue-files-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'message')
  writeFileSync(path, 'text')
  const ends: string[] = []
  const waiting = new Set<HMailItem>()
  const item = (name: string) => ({ path, next_cb: () => ends.push(name) }) as unknown as HMailItem
  return { path, ends, item, files: new QueueFiles((hmail) => waiting.has(hmail)), waiting }
}

test('a file belongs to one item until Haraka is done with it', (t) => {
  const { ends, item, files } = setup(t)
  const [first, second] = [item('first'), item('second')]
  assert.equal(files.findOther(first), undefined)
  files.use(first)
  assert.equal(files.findOther(first), undefined)
  assert.equal(files.findOther(second), first)
  first.next_cb()
  assert.equal(files.findOther(second), undefined)
  files.use(second)
  second.next_cb()
  assert.deepEqual(ends, ['first', 'second'])
})

test('the file of an item that waits stays its own, also when it is tried again', (t) => {
  const { ends, item, files, waiting } = setup(t)
  const [first, second] = [item('first'), item('second')]
  files.use(first)
  waiting.add(first)
  first.next_cb()
  assert.equal(files.findOther(second), first)
  waiting.delete(first)
  files.use(first)
  assert.equal(files.findOther(second), first)
  first.next_cb()
  assert.equal(files.findOther(second), undefined)
  assert.deepEqual(ends, ['first', 'first'])
})

test('a file that is no longer there belongs to nobody', (t) => {
  const { path, item, files } = setup(t)
  files.use(item('first'))
  rmSync(path)
  assert.equal(files.findOther(item('second')), undefined)
  writeFileSync(path, '')
})
