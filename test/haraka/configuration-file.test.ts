import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { test } from 'node:test'
import { StartError } from '../../lib/haraka/configuration-file'
import { ConfigurationFolder } from '../support/configuration-folder'
import { passwordOf } from '../support/servers'

// What becomes of config/dns_overrides.ini at the start and when it changes, and what the log says of it.

const lines = (count: number, target: string) =>
  Array.from({ length: count }, (_, n) => `d${n}.example ${target}`).join('\n')

const SINCE = 'the configuration before it stays in force'

test('the newest of overlapping reloads wins, even if an older one takes longer', async (t) => {
  const folder = new ConfigurationFolder(t).start('* first.example')
  folder.change(lines(20_000, 'second.example'))
  folder.change('* third.example')
  await folder.waitFor(() => folder.log.length === 2)
  // The long one would be ready by now: it is read once more in whole, and only this may be seen.
  folder.change(lines(20_000, 'fourth.example'))
  while (folder.inForce.length < 3) await nextTurn()
  assert.deepEqual(
    folder.inForce.map(({ rules }) => rules.lines[0]!.text.split(' ')[1]),
    ['first.example', 'third.example', 'fourth.example'],
  )
  assert.equal(folder.log.length, 3)
})

test('after close a reload in progress changes nothing', async (t) => {
  const folder = new ConfigurationFolder(t).start('* first.example')
  folder.change(lines(5_000, 'second.example'))
  folder.file.close()
  for (let turn = 0; turn < 200; turn++) await nextTurn()
  assert.equal(folder.inForce.length, 1)
  assert.equal(folder.findings.length, 1)
})

const WITH_SECRET = '[relay:a]\nhost = a.example\nuser = fred\npassword_file = secret\n[overrides]\n* @a'

test('a reload reads a password file again, relative to the folder of the configuration', async (t) => {
  const folder = new ConfigurationFolder(t)
  const path = join(dirname(folder.configurationPath), 'secret')
  writeFileSync(path, 'one\n', { mode: 0o600 })
  folder.start(WITH_SECRET)
  writeFileSync(path, 'two\n', { mode: 0o600 })
  await folder.reload(WITH_SECRET)
  const passwords = folder.inForce.map(({ settings }) => passwordOf(settings.relays[0]!.credentials))
  assert.deepEqual(passwords, ['one', 'two'])
})

test('a change of a password file alone is a reload, even if the file is new, while the configuration names it', async (t) => {
  const folder = new ConfigurationFolder(t).start('* first.example')
  assert.deepEqual(folder.watched, [])
  await folder.reload(WITH_SECRET)
  assert.match(folder.log.at(-1)!, /has 1 error and is not used/)
  assert.deepEqual(folder.watched, ['secret'])
  await folder.reloadBy('secret', 'one\n')
  await folder.reloadBy('secret', 'two\n')
  assert.equal(folder.log.at(-1), 'notice config/dns_overrides.ini is read again and in force')
  const passwords = folder.inForce.map(({ settings }) => passwordOf(settings.relays[0]?.credentials))
  assert.deepEqual(passwords, [undefined, 'one', 'two'])
  await folder.reload('* last.example')
  assert.deepEqual(folder.watched, [])
})

test('close ends the watch of all files', (t) => {
  const folder = new ConfigurationFolder(t)
  writeFileSync(join(dirname(folder.configurationPath), 'secret'), 'one\n', { mode: 0o600 })
  folder.start(WITH_SECRET)
  assert.deepEqual(folder.watched, ['secret'])
  folder.file.close()
  assert.deepEqual(folder.watched, [])
})

test('a password file that disappears is an error, and the previous rules stay', async (t) => {
  const folder = new ConfigurationFolder(t)
  const path = join(dirname(folder.configurationPath), 'secret')
  writeFileSync(path, 'one\n', { mode: 0o600 })
  folder.start(WITH_SECRET)
  rmSync(path)
  const entries = await folder.reload(WITH_SECRET)
  assert.equal(folder.inForce.length, 1)
  assert.ok(entries[0]!.text.startsWith('config/dns_overrides.ini:4:'), folder.log.join('\n'))
  assert.equal(entries.at(-1)!.text, `config/dns_overrides.ini has 1 error and is not used: ${SINCE}`)
})

test('the start logs one NOTICE with version, lines, relays, terms, DNS servers and holds', (t) => {
  const { findings } = new ConfigurationFolder(t, ['isp']).start(
    'dns_servers = 192.0.2.53, tls://192.0.2.54#dns.example\n* @isp\nx.example @ms\n[direct]\nfamily = v4\n[direct:ms]\n[attempts]\n* direct=1 relay=1\n[relay:isp]\nhost = a.example\n[zone:corp.internal]\ndns_servers = 10.0.0.1\n',
  )
  const manifest = require('../../../package.json') as { version: string }
  assert.deepEqual(
    findings.flatMap(({ entries }) => entries),
    [
      {
        level: 'notice',
        text: 'config/dns_overrides.ini is in force',
        fields: {
          version: manifest.version,
          lines: 2,
          attempts: 1,
          relays: ['isp'],
          terms: ['direct', 'ms'],
          dns_servers: ['192.0.2.53:53', 'tls://192.0.2.54:853#dns.example'],
          dns_zones: ['corp.internal'],
          holds: ['isp'],
        },
      },
    ],
  )
})

const ABSENT: [name: string, why: string, prepare: (folder: ConfigurationFolder) => void][] = [
  ['a missing file', 'is missing', (folder) => rmSync(folder.configurationPath, { force: true })],
  [
    'a file of the wrong name',
    'is missing, but config/dns-overrides.ini is there: rename it',
    (folder) => {
      rmSync(folder.configurationPath, { force: true })
      writeFileSync(join(dirname(folder.configurationPath), 'dns-overrides.ini'), '* a.example\n')
    },
  ],
  ['an emptied file', 'is empty', (folder) => folder.write('')],
  ['a file of blank lines and a byte order mark', 'is empty', (folder) => folder.write('\ufeff\r\n \n')],
]

for (const [name, why, prepare] of ABSENT) {
  test(`${name} at the start is a warning that nothing is overridden`, (t) => {
    const folder = new ConfigurationFolder(t)
    prepare(folder)
    folder.start()
    assert.equal(folder.inForce[0]!.rules.lines.length, 0)
    assert.deepEqual(folder.log, [
      `warn config/dns_overrides.ini ${why}. No rules: nothing is overridden`,
      'notice config/dns_overrides.ini is in force',
    ])
  })

  test(`${name} on a reload keeps the rules, with a log line`, async (t) => {
    const folder = new ConfigurationFolder(t).start('* a.example')
    const entries = await folder.reloadAfter(() => prepare(folder))
    assert.equal(folder.inForce.length, 1)
    assert.deepEqual(
      entries.map(({ level, text }) => `${level} ${text}`),
      [`error config/dns_overrides.ini ${why}`, `notice config/dns_overrides.ini ${why}: ${SINCE}`],
    )
    await folder.reload('* b.example')
    assert.equal(folder.inForce.length, 2)
  })
}

/** What no user can read, not even root, who reads a file without permissions. */
const UNREADABLE: [name: string, why: RegExp, prepare: (path: string) => void][] = [
  ['a folder', /it is a folder/, (path) => mkdirSync(path)],
  ['a FIFO', /it is not a regular file/, (path) => execFileSync('mkfifo', [path])],
  [
    'a file without end',
    /it has more than 64 MiB/,
    (path) => {
      writeFileSync(path, '')
      truncateSync(path, 65 * 1024 * 1024)
    },
  ],
  ...(process.getuid?.() === 0
    ? []
    : ([
        [
          'a file of another user',
          /this user may not read it/,
          (path) => {
            writeFileSync(path, '* a.example')
            chmodSync(path, 0)
          },
        ],
      ] satisfies [string, RegExp, (path: string) => void][])),
]

for (const [name, why, prepare] of UNREADABLE) {
  test(`${name} at the start stops Haraka`, (t) => {
    const folder = new ConfigurationFolder(t)
    prepare(folder.configurationPath)
    assert.throws(
      () => folder.start(),
      (error: unknown) => error instanceof StartError && why.test(error.message),
    )
  })

  test(`${name} on a reload changes nothing, with a log line`, async (t) => {
    const folder = new ConfigurationFolder(t).start('* a.example')
    const entries = await folder.reloadAfter(() => {
      rmSync(folder.configurationPath)
      prepare(folder.configurationPath)
    })
    assert.equal(folder.inForce.length, 1)
    assert.match(entries[0]!.text, why)
    assert.match(entries.at(-1)!.text, /cannot be read: .*stays in force$/)
  })
}

test('of 2000 errors 50 are logged, and the number of the others, at the start and on a reload', async (t) => {
  const text = lines(2_000, 'a.example $bad>=1')
  const isPlace = (line: string) => /^config\/dns_overrides\.ini:\d+:\d+: error/.test(line)
  const rest = 'and 1,950 more'

  const folder = new ConfigurationFolder(t)
  assert.throws(
    () => folder.start(text),
    (error: unknown) => {
      const printed = (error as Error).message.split('\n')
      assert.equal(printed[0], 'config/dns_overrides.ini has 2000 errors')
      assert.equal(printed.filter(isPlace).length, 50)
      assert.equal(printed.at(-1), rest)
      return true
    },
  )

  folder.start('* a.example')
  const entries = await folder.reload(text)
  assert.equal(entries.filter((entry) => isPlace(entry.text)).length, 50)
  assert.deepEqual(
    entries.slice(-2).map((entry) => entry.text),
    [rest, `config/dns_overrides.ini has 2000 errors and is not used: ${SINCE}`],
  )
})

test('a reload of 200,000 wrong lines never blocks the event loop for half a second', async (t) => {
  const folder = new ConfigurationFolder(t).start('* a.example')
  const text = lines(200_000, 'a.example $bad>=1')
  // Time of this process alone: on a busy machine the others' time says nothing.
  let longest = 0
  let last = process.cpuUsage()
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(last)
    longest = Math.max(longest, (user + system) / 1_000)
    last = process.cpuUsage()
  }, 5)
  const entries = await folder.reload(text)
  clearInterval(timer)
  assert.match(entries.at(-1)!.text, /has 200000 errors and is not used/)
  assert.ok(longest < 500, `${longest} ms`)
})

test('the same content and outcome have the same key, so that one worker of many logs them', async (t) => {
  const [one, two] = [new ConfigurationFolder(t), new ConfigurationFolder(t)]
  one.start('* a.example')
  two.start('* a.example')
  await one.reload('* b.example $bad')
  await two.reload('* b.example $bad')
  assert.deepEqual(
    one.findings.map(({ key }) => key),
    two.findings.map(({ key }) => key),
  )
  assert.notEqual(one.findings[0]!.key, one.findings[1]!.key)
})
