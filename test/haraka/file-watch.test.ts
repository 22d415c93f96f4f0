import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { watchFile } from '../../lib/haraka/file-watch'

// Each waits for the five seconds for which a file must rest.

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-watch-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Changes something when the file is watched, and waits until it is seen. @returns milliseconds */
function seeChange(t: TestContext, path: string, change: () => void): Promise<number> {
  // The timers of the watch keep no process alive.
  const keeper = setInterval(() => {}, 1_000)
  t.after(() => clearInterval(keeper))
  return new Promise((resolve) => {
    t.after(watchFile(path, () => resolve(performance.now() - changedAt)))
    const changedAt = performance.now()
    change()
  })
}

describe(
  'a change is reported when the file has not changed again for a while: a file',
  { concurrency: true },
  () => {
    const rows: [name: string, prepare: (folder: string) => { path: string; change: () => void }][] = [
      [
        'that is written',
        (folder) => {
          const path = join(folder, 'secret')
          writeFileSync(path, 'one')
          return { path, change: () => writeFileSync(path, 'two') }
        },
      ],
      [
        'that is replaced by mv',
        (folder) => {
          const path = join(folder, 'secret')
          writeFileSync(path, 'one')
          writeFileSync(join(folder, 'new'), 'two')
          return { path, change: () => renameSync(join(folder, 'new'), path) }
        },
      ],
      [
        'that was not there',
        (folder) => ({
          path: join(folder, 'secret'),
          change: () => writeFileSync(join(folder, 'secret'), 'one'),
        }),
      ],
      [
        'of a folder that was not there',
        (folder) => {
          const path = join(folder, 'later', 'secret')
          const change = () => {
            mkdirSync(join(folder, 'later'))
            writeFileSync(path, 'one')
          }
          return { path, change }
        },
      ],
      [
        'that Kubernetes mounts: the link of its folder is turned',
        (folder) => {
          for (const version of ['..one', '..two']) {
            mkdirSync(join(folder, version))
            writeFileSync(join(folder, version, 'secret'), version)
          }
          symlinkSync('..one', join(folder, '..data'))
          symlinkSync('..data/secret', join(folder, 'secret'))
          const change = () => {
            symlinkSync('..two', join(folder, '..data_tmp'))
            renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
          }
          return { path: join(folder, 'secret'), change }
        },
      ],
      [
        'behind a link into another folder',
        (folder) => {
          mkdirSync(join(folder, 'other'))
          mkdirSync(join(folder, 'config'))
          const target = join(folder, 'other', 'secret')
          writeFileSync(target, 'one')
          const path = join(folder, 'config', 'secret')
          symlinkSync(target, path)
          return { path, change: () => writeFileSync(target, 'another') }
        },
      ],
    ]
    for (const [name, prepare] of rows) {
      it(name, async (t) => {
        const { path, change } = prepare(folderOf(t))
        const milliseconds = await seeChange(t, path, change)
        assert.ok(milliseconds > 4_900, `${milliseconds} ms`)
      })
    }
  },
)
