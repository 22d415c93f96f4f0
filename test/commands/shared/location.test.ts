import assert from 'node:assert/strict'
import { join, dirname } from 'node:path'
import { test } from 'node:test'
import { run } from '../terminal'
import { temporaryFolder } from '../folder'

const folder = temporaryFolder()
const configured = (text: string) => ['--config', folder.write('rules.ini', text)]

test('explain: a missing file and a file with errors are status 78, with every error', async () => {
  const missing = await run(['explain', 'a@x.example', '--config', join(folder.path, 'none.ini')])
  assert.equal(missing.status, 78)
  assert.match(
    missing.err,
    /^dns-overrides: cannot read .*none\.ini: there is no such file \(name another with --config/,
  )
  const wrong = await run([
    'explain',
    'a@x.example',
    '--mx',
    'none',
    ...configured('* a.test $retrys>=4\n* u:Passw0rd@'),
  ])
  assert.equal(wrong.status, 78)
  assert.equal(wrong.out, '')
  assert.equal(wrong.err.match(/: error:/g)?.length, 2)
  assert.match(wrong.err, /rules\.ini has 2 errors\n$/)
  assert.doesNotMatch(wrong.err, /Passw0rd/)
})

test('explain reads the file of the Haraka folder, or else of the current folder', async () => {
  for (const [name, changes] of [
    ['haraka', { env: { HARAKA: join(folder.path, 'haraka') } }],
    ['here', { cwd: join(folder.path, 'here') }],
  ] as const) {
    folder.write(`${name}/config/dns_overrides.ini`, `* ${name}.test`)
    const { out } = await run(['explain', 'a@x.example', '--mx', 'none'], changes)
    assert.match(out, new RegExp(`${name}\\.test:25`))
  }
})

test('explain: --config takes precedence over HARAKA for every file', async () => {
  const haraka = (name: string, target: string, intervals: string) => {
    folder.write(`${name}/config/dns_overrides.ini`, `* ${target}`)
    folder.write(`${name}/config/outbound.ini`, `temp_fail_intervals = ${intervals}`)
    return join(folder.path, name)
  }
  const mine = haraka('mine', 'mine.test', '1m')
  const theirs = haraka('theirs', 'theirs.test', '1m*3')
  const loose = folder.write('loose.ini', '* loose.test')
  for (const [named, target, attempts] of [
    [mine, 'mine.test', 2],
    [join(mine, 'config'), 'mine.test', 2],
    [join(mine, 'config', 'dns_overrides.ini'), 'mine.test', 2],
    // The other files of a file outside a Haraka folder are those of HARAKA.
    [loose, 'loose.test', 4],
    [undefined, 'theirs.test', 4],
  ] as const) {
    const words = ['explain', 'a@x.example', '--mx', 'none', '--timeline', '--json']
    const { out } = await run([...words, ...(named === undefined ? [] : ['-c', named])], {
      env: { HARAKA: theirs },
    })
    const { exchanges, timeline } = JSON.parse(out) as {
      exchanges: { exchange: string }[]
      timeline: { attempts: unknown[] }
    }
    assert.deepEqual(
      [exchanges[0]?.exchange, timeline.attempts.length],
      [target, attempts],
      named ?? 'HARAKA',
    )
  }
})

test('explain suggests a file with a similar name', async () => {
  const config = dirname(folder.write('misspelled/config/dns-overrides.ini', ''))
  const { status, err } = await run(['explain', 'a@x.example', '-c', config])
  assert.equal(status, 78)
  assert.match(err, /there is no such file \(there is a file dns-overrides\.ini: rename it\)\n$/)
})
