import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { needs } from '../support/programs'
import { temporaryFolder } from './folder'
import { run } from './terminal'

const folder = temporaryFolder()

test('check: a good file prints its counts', async () => {
  const file = folder.write('good.ini', 'gmail.com smtp.myisp.com')
  assert.deepEqual(await run(['check', file]), { status: 0, out: `${file}: 0 errors, 0 warnings\n`, err: '' })
  assert.deepEqual(await run(['check', '-c', 'good.ini'], { cwd: folder.path }), {
    status: 0,
    out: `${file}: 0 errors, 0 warnings\n`,
    err: '',
  })
})

test('check: every error has its place, its line and a caret, and the status is 78', async () => {
  const file = folder.write('bad.ini', '* smtp.myisp.com $retrys>=4\ndns_cache_size = many\n')
  const { status, out } = await run(['check', file])
  assert.equal(status, 78)
  assert.match(
    out,
    /bad\.ini:1:18: error: .*\n {2}\* smtp\.myisp\.com \$retrys>=4\n {19}\^~+\n(.*\n)*? {2}did you mean \$retries/,
  )
  assert.match(out, /bad\.ini:2:18: error: /)
  assert.match(out, /bad\.ini: 2 errors, 0 warnings\n$/)
})

test('check: warnings do not change the status and are in line order', async () => {
  const file = folder.write(
    'doubtful.ini',
    ['* a.test $retries>=0 $end', 'x.example b.test', '[relay:isp]', 'host = relay.example'].join('\n'),
  )
  const { status, out } = await run(['check', file])
  assert.equal(status, 0)
  assert.deepEqual(
    [...out.matchAll(/:(\d+):\d+: warning:/g)].map(([, line]) => line),
    ['1', '2', '3'],
  )
  assert.match(out, /doubtful\.ini:1: \* \.\.\. \$end/, 'the other line is named')
  assert.match(out, /0 errors, 3 warnings\n$/)
})

test('check: reads the permissions of the file and the retry intervals of the Haraka folder', async () => {
  folder.write('config/outbound.ini', 'temp_fail_intervals = 1m*2')
  const file = folder.write('config/dns_overrides.ini', '* fred:Passw0rd@a.test $retries>=3')
  chmodSync(file, 0o644)
  const open = await run(['check'], { cwd: folder.path })
  assert.match(open.out, /1:3: warning: there is a password here/)
  assert.match(open.out, /1:24: warning: \$retries>=3 can hold only for a message that Haraka has split/)
  assert.doesNotMatch(open.out, /Passw0rd/)
  chmodSync(file, 0o640)
  folder.write('config/outbound.ini', 'temp_fail_intervals = 1m*3')
  const closed = await run(['check'], { env: { HARAKA: folder.path } })
  assert.match(closed.out, /0 errors, 0 warnings/)
})

test('check --json: diagnostics as data', async () => {
  const file = folder.write('json.ini', '* a.test $end\n* b.test')
  const { status, out } = await run(['check', file, '--json'])
  assert.equal(status, 0)
  const [warning, ...others] = JSON.parse(out) as Record<string, unknown>[]
  assert.deepEqual(others, [])
  assert.deepEqual(
    { ...warning, expected: undefined },
    {
      severity: 'warning',
      code: 'unreachable',
      message: 'no message can reach this line: line 1 matches whatever it would, and ends with $end',
      file,
      span: { line: 2, column: 1, length: 1 },
      source: '* b.test',
      expected: undefined,
      related: { line: 1, message: '* ... $end' },
    },
  )
})

test('check: prints and counts warnings beside errors', async () => {
  const lines = [
    '* a.test $end',
    'x.example b.test',
    'y.example c.test $retrys>=4',
    '[relay:isp]',
    'host = r.test',
  ]
  const { status, out } = await run(['check', folder.write('both.ini', lines.join('\n'))])
  assert.equal(status, 78)
  assert.match(out, /both\.ini:2:1: warning: /)
  assert.match(out, /both\.ini:3:18: error: /)
  // the line with the error may be the one that uses the relay
  assert.doesNotMatch(out, /both\.ini:4:/)
  assert.match(out, /both\.ini: 1 error, 1 warning\n$/)
})

test('check: prints the first 1,000 of very many errors, and counts the rest', async () => {
  const file = folder.write('broken.ini', 'nonsense\n'.repeat(1200))
  const { status, out } = await run(['check', file])
  assert.equal(status, 78)
  assert.equal(out.match(/: error: /g)?.length, 1000)
  assert.match(out, /\nand 200 more\n\n.*: 1200 errors, 0 warnings\n$/)
})

test('check: a secret that cannot be read is a warning, but an error for probe', async () => {
  const file = folder.write(
    'secrets.ini',
    '* @isp\n[relay:isp]\nhost = 127.0.0.1\nuser = fred\npassword_env = NOT_SET_ANYWHERE',
  )
  const checked = await run(['check', file])
  assert.equal(checked.status, 0)
  assert.match(checked.out, /secrets\.ini:5:\d+: warning: .*password_env.*\n.*NOT_SET_ANYWHERE/)
  assert.equal((await run(['explain', 'a@x.example', '--mx', 'none', '-c', file])).status, 0)
  assert.equal((await run(['relays', '-c', file])).status, 0)
  const probed = await run(['probe', '-c', file])
  assert.equal(probed.status, 78)
  assert.match(probed.err, /secrets\.ini:5:\d+: error: .*password_env.*\n.*NOT_SET_ANYWHERE/)
})

test(
  'check: a file in UTF-16 is one error, and a FIFO is refused without waiting',
  { skip: needs('mkfifo') },
  async () => {
    const wide = await run([
      'check',
      folder.write('wide.ini', Buffer.from('\ufeffa.test b.test\n', 'utf16le')),
    ])
    assert.equal(wide.status, 78)
    assert.match(wide.out, /wide\.ini:1:1: error: .*UTF-16/)
    assert.match(wide.out, /1 error, 0 warnings\n$/)
    const fifo = join(folder.path, 'fifo.ini')
    execFileSync('mkfifo', [fifo])
    const { status, err } = await run(['check', fifo])
    assert.equal(status, 78)
    assert.match(err, /^dns-overrides: cannot read .*fifo\.ini: it is not a regular file /)
  },
)

test('check: a target that is this server itself is an error, by the listen of smtp.ini', async () => {
  folder.write('own/config/smtp.ini', 'listen=127.0.0.1:2525')
  const file = folder.write('own/config/dns_overrides.ini', '* 127.0.0.1:2525\n* 127.0.0.1:2526 $priority:20')
  const own = await run(['check', '-c', join(folder.path, 'own')])
  assert.equal(own.status, 78)
  assert.match(own.out, /dns_overrides\.ini:1:\d+: error: /)
  assert.match(own.out, /1 error, 0 warnings\n$/)
  folder.write('own/config/smtp.ini', 'listen=127.0.0.1:25')
  assert.equal((await run(['check', file])).status, 0)
})

test('check - reads standard input', async () => {
  const input = async () => Buffer.from('* a.test $retrys>=4')
  const { status, out } = await run(['check', '-'], { input })
  assert.equal(status, 78)
  assert.match(out, /^<stdin>:1:10: error: .*\n/)
  assert.match(out, /<stdin>: 1 error, 0 warnings\n$/)
})

test('check: an expectation of [tests] that fails is a warning, which says what on_reload = refuse would do', async () => {
  const rules = (onReload: string) =>
    `gmail.com a.test\n[tests]\n${onReload}\n<> -> a@gmail.com : a.test\n  <> -> b@gmail.com : direct`
  const warned = await run(['check', folder.write('warn.ini', rules('on_reload = warn'))])
  assert.equal(warned.status, 0)
  assert.match(
    warned.out,
    /warn\.ini:5:3: warning: this test fails: the rules decide a\.test:25\n {4}<> -> b@gmail\.com : direct\n {4}\^~+\n\n/,
  )
  assert.match(warned.out, /0 errors, 1 warning\n$/)
  const refused = await run(['check', folder.write('refuse.ini', rules('on_reload = refuse'))])
  assert.equal(refused.status, 0)
  assert.match(
    refused.out,
    /the rules decide a\.test:25; on a reload Haraka refuses this file \(on_reload = refuse\)\n/,
  )
})

mkdirSync(join(folder.path, 'empty'))

const FILES: readonly (readonly [string, string, RegExp])[] = [
  ['missing', `${folder.path}/none.ini`, /there is no such file/],
  ['a folder that is not of a Haraka', join(folder.path, 'empty'), /it is a folder, and neither/],
]

for (const [name, file, why] of FILES) {
  test(`check: a file that is ${name} is a configuration error`, async () => {
    const { status, out, err } = await run(['check', file])
    assert.equal(status, 78)
    assert.equal(out, '')
    assert.match(err, why)
    assert.match(err, /^[^\n]*\n$/)
  })
}
