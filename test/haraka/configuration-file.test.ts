import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Configuration } from '../../lib/routing/configuration'
import { ConfigurationFile } from '../../lib/haraka/configuration-file'
import type { HarakaPlugin } from '../../lib/haraka/types'

// Reloads that overlap, and password files. The plugin is a fake because Haraka tells of a change five seconds late.

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'dns-overrides-file-'))
  mkdirSync(join(path, 'config'))
  const before = process.env.HARAKA
  process.env.HARAKA = path
  t.after(() => {
    if (before === undefined) delete process.env.HARAKA
    else process.env.HARAKA = before
    rmSync(path, { recursive: true, force: true })
  })
  return path
}

/** A file whose changes the test tells of. */
function open(text: string) {
  let current = text
  let tell: () => void = () => assert.fail('nobody asked to be told of changes')
  let listener: () => void = () => {}
  const log: string[] = []
  const inForce: Configuration[] = []
  const note = (...parts: unknown[]) => {
    log.push(parts.join(' '))
    listener()
  }
  const plugin = {
    config: {
      get(_name: string, _type: 'data', onReload?: () => void) {
        if (onReload) tell = onReload
        return current.split('\n')
      },
    },
    lognotice: note,
    logwarn: note,
    logerror: note,
  } as unknown as HarakaPlugin
  const file = new ConfigurationFile(plugin, (configuration) => inForce.push(configuration))
  inForce.push(file.open())
  return {
    file,
    log,
    inForce,
    change(next: string) {
      current = next
      tell()
    },
    /** Waits for a line of the log. */
    said: (words: string) =>
      new Promise<void>((resolve) => {
        listener = () => {
          if (log.some((line) => line.includes(words))) resolve()
        }
        listener()
      }),
  }
}

const lines = (count: number, target: string) =>
  Array.from({ length: count }, (_, n) => `d${n}.example ${target}`).join('\n')

test('of reloads that overlap the newest wins, although an older one has more to do', async (t) => {
  folder(t)
  const { change, said, inForce, log } = open('* first.example')
  change(lines(20_000, 'second.example'))
  change('* third.example')
  await said('in force')
  // The long one would be ready by now: it is read once more in whole, and only this may be seen.
  change(lines(20_000, 'fourth.example'))
  while (inForce.length < 3) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(
    inForce.map(({ rules }) => rules.lines[0]!.text.split(' ')[1]),
    ['first.example', 'third.example', 'fourth.example'],
  )
  assert.equal(log.length, 2)
})

test('after the end a reload that is under way changes nothing', async (t) => {
  folder(t)
  const { file, change, inForce, log } = open('* first.example')
  change(lines(5_000, 'second.example'))
  file.close()
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(inForce.length, 1)
  assert.deepEqual(log, [])
})

test('a password file is read again, from the folder of the configuration', async (t) => {
  const path = join(folder(t), 'config', 'secret')
  writeFileSync(path, 'one\n', { mode: 0o600 })
  const text = '[relay:a]\nhost = a.example\nuser = fred\npassword_file = secret\n[overrides]\n* @a'
  const { change, said, inForce } = open(text)
  writeFileSync(path, 'two\n', { mode: 0o600 })
  change(text)
  await said('in force')
  const passwords = inForce.map(({ settings }) => settings.relays[0]!.credentials!.password.reveal())
  assert.deepEqual(passwords, ['one', 'two'])
})

test('a password file that has gone away is an error, and the rules before stay', async (t) => {
  const path = join(folder(t), 'config', 'secret')
  writeFileSync(path, 'one\n', { mode: 0o600 })
  const text = '[relay:a]\nhost = a.example\nuser = fred\npassword_file = secret\n[overrides]\n* @a'
  const { change, said, inForce, log } = open(text)
  rmSync(path)
  change(text)
  await said('stay in force')
  assert.equal(inForce.length, 1)
  assert.ok(
    log.some((line) => line.startsWith('config/dns_overrides.ini:4:')),
    log.join('\n'),
  )
})
