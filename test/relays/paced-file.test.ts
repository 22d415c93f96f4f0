import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { PacedFile } from '../../lib/relays/paced-file'

function open(t: TestContext, format: () => Iterable<string>, delayMs = 500) {
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-paced-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const errors: string[] = []
  const file = new PacedFile({
    folder,
    name: 'it',
    delayMs,
    format,
    onError: ({ message }) => errors.push(message),
  })
  return { file, folder, errors, read: () => readFileSync(join(folder, 'it'), 'utf8') }
}

/** More than a slice of work has at least. */
const PARTS = 8

/** What a version looks like. */
const written = (version: number) => `${version} `.repeat(PARTS)

/** Longer than one slice of work. */
function keepBusy(): void {
  const end = performance.now() + 6
  while (performance.now() < end);
}

test('a short text is written before `write` returns, and later changes after the delay', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let text = 'first'
  // So long that the time for the first one, on a busy machine, does not make it longer.
  const { file, read } = open(t, () => [text], 600_000)
  file.write()
  assert.equal(read(), 'first')
  text = 'second'
  file.noteChange()
  text = 'third'
  file.noteChange()
  t.mock.timers.tick(599_999)
  assert.equal(read(), 'first')
  t.mock.timers.tick(1)
  assert.equal(read(), 'third', 'all that changed, once')
})

test('a long text is written in steps, appears as a whole, and is then written less often', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let version = 1
  let begun = 0
  const { file, folder, read } = open(t, function* () {
    begun++
    for (let part = 0; part < PARTS; part++) {
      keepBusy()
      yield `${version} `
    }
  })
  file.write()
  assert.deepEqual(readdirSync(folder), ['new.it'])
  file.noteChange()
  while (!readdirSync(folder).includes('it')) await nextTurn()
  assert.equal(read(), written(1))
  version = 2
  // What takes 48 ms is written every 2.4 s at most.
  t.mock.timers.tick(2_399)
  assert.equal(begun, 1)
  t.mock.timers.tick(600_000)
  while (read() !== written(2)) await nextTurn()
  assert.equal(begun, 2)
})

test('`write` starts again with the newest text, and `close` writes what is pending', async (t) => {
  let version = 1
  const { file, folder, read } = open(t, function* () {
    for (let part = 0; part < PARTS; part++) {
      keepBusy()
      yield `${version} `
    }
  })
  file.write()
  await nextTurn()
  version = 2
  file.write()
  while (!readdirSync(folder).includes('it')) await nextTurn()
  assert.equal(read(), written(2))
  version = 3
  file.write()
  file.close()
  assert.equal(read(), written(3))
  version = 4
  file.noteChange()
  file.close()
  assert.equal(read(), written(4))
  version = 5
  file.close()
  assert.equal(read(), written(4), 'nothing had changed')
  assert.deepEqual(readdirSync(folder), ['it'])
})

test('an error is reported once, and again after a success', (t) => {
  let isBroken = true
  const { file, errors, read } = open(t, function* () {
    if (isBroken) throw new Error('no space left')
    yield 'good'
  })
  file.write()
  file.write()
  assert.deepEqual(errors, ['no space left'])
  assert.ok(file.isFailing)
  isBroken = false
  file.write()
  assert.equal(read(), 'good')
  assert.ok(!file.isFailing)
  isBroken = true
  file.write()
  assert.equal(errors.length, 2)
})
