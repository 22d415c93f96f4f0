import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { prepareStateFolder, STATE_FOLDER } from '../../lib/relays/state-folder'
import { temporaryFolder } from '../commands/folder'
import { CLI, runProcess } from '../support/cli'
import { needs } from '../support/programs'

// The program as a process: what only a process has.

const folder = temporaryFolder()
folder.write('config/dns_overrides.ini', 'gmail.com smtp.myisp.com $retries>=4 $end\n')

const STATUSES: readonly (readonly [readonly string[], number])[] = [
  [['--help'], 0],
  [['check'], 0],
  [['explain', 'a@gmail.com', '--mx', '10:mx.example.net'], 0],
  [['explain', 'a@gmail.com', '--mx', 'nxdomain'], 68],
  [['explain', 'a@gmail.com', '--mx', 'fail'], 75],
  [['explain', 'a@gmail.com', '--mx', 'rubbish'], 64],
  [['explain', 'a@gmail.com', '--mx', 'none', '--config', 'none.ini'], 78],
  [['nonsense'], 64],
]

for (const [words, status] of STATUSES) {
  test(`status ${status}: ${words.join(' ')}`, async () => {
    const finished = await runProcess(words, { cwd: folder.path })
    assert.deepEqual([finished.status, finished.signal], [status, null])
    // stdout is for what was asked, stderr for what went wrong
    assert.equal(finished.out === '', status === 64 || status === 78)
    assert.equal(finished.err === '', status !== 64 && status !== 78)
    assert.ok(!finished.out.includes('\u001b'), 'no colours into a pipe')
  })
}

test('HARAKA sets the folder', async () => {
  const { status, out } = await runProcess(['check'], { cwd: '/', env: { HARAKA: folder.path } })
  assert.equal(status, 0)
  assert.ok(out.startsWith(`${folder.path}/config/dns_overrides.ini: `))
})

test('colours are used on a terminal, but not with NO_COLOR', { skip: needs('script') }, () => {
  const line = `${process.execPath} ${CLI} explain a@gmail.com --mx none`
  const terminal = (env: Record<string, string>) => {
    const { NO_COLOR: _, ...rest } = process.env
    // script(1) runs the line on a terminal of its own
    return execFileSync('script', ['-qec', line, '/dev/null'], {
      cwd: folder.path,
      env: { ...rest, TERM: 'xterm', ...env },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  }
  assert.ok(terminal({}).includes('\u001b[32m'))
  assert.ok(!terminal({ NO_COLOR: '1' }).includes('\u001b[3'))
  assert.ok(!terminal({ TERM: 'dumb' }).includes('\u001b[3'))
})

test('a terminal that reports 0 columns is treated as 80 columns', { skip: needs('script') }, () => {
  const file = folder.write('unknown.ini', 'gmail.com @nowhere $end\n')
  const line = `stty cols 0 rows 0; ${process.execPath} ${CLI} check ${file}; true`
  const out = execFileSync('script', ['-qec', line, '/dev/null'], {
    env: { ...process.env, NO_COLOR: '1' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  assert.ok(out.includes('  gmail.com @nowhere $end\r\n            ^~~~~~~~\r\n'), out)
})

test('output to a reader that closes early is not an error', async () => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `d${index}.example s.example $retries>=1`)
  const file = folder.write('many.ini', lines.join('\n'))
  const child = spawn(process.execPath, [CLI, 'explain', 'a@x.example', '--mx', 'none', '--config', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  await once(child.stdout, 'data')
  child.stdout.destroy()
  const [status, signal] = (await once(child, 'close')) as [number | null, string | null]
  assert.equal(err, '')
  assert.deepEqual([status, signal], [0, null])
})

test('a state folder that this user may not enter is reported, and the state is unknown', async () => {
  folder.write('closed/config/dns_overrides.ini', 'gmail.com smtp.myisp.com\n[relay:isp]\nhost = 127.0.0.1')
  const haraka = join(folder.path, 'closed')
  const state = join(haraka, STATE_FOLDER)
  prepareStateFolder(state)
  const isRoot = process.getuid?.() === 0
  chmodSync(folder.path, 0o755)
  // Root may enter everything, so somebody else looks.
  if (!isRoot) chmodSync(state, 0)
  const asOther = (words: readonly string[]) =>
    runProcess([...words, '-c', haraka], isRoot ? { uid: 65_534 } : {})
  const relays = await asOther(['relays'])
  assert.equal(relays.status, 75)
  assert.equal(relays.out, '@isp  127.0.0.1:25  not known\n')
  const why = `this user may not enter ${state}; try as root or as the user that runs Haraka`
  assert.equal(relays.err, `the state of the running server is not known: ${why}\n`)
  const hold = await asOther(['relays', '--hold', 'isp'])
  assert.equal(hold.status, 70)
  assert.equal(hold.err, `dns-overrides: cannot hold @isp: ${why}\n`)
  const explain = await asOther(['explain', 'a@gmail.com', '--mx', 'none'])
  assert.equal(explain.status, 0)
  assert.equal(
    explain.err,
    `the holds, breakers and limits of the running server are not known: ${why} (with --offline they are not read)\n`,
  )
  chmodSync(state, 0o700)
})

test('a queue that this user may not read is status 75', async () => {
  const haraka = join(folder.path, 'private')
  const list = folder.write('private/list.txt', '<> a@gmail.com\n')
  const file = folder.write('private/config/dns_overrides.ini', 'gmail.com smtp.myisp.com\n')
  const message = folder.write('private/queue/1_2_0_3_AbCdEf_4_mail.example', 'no message')
  const isRoot = process.getuid?.() === 0
  chmodSync(folder.path, 0o755)
  // Root may read everything, so somebody else looks.
  for (const path of [message, list]) chmodSync(path, isRoot ? 0o600 : 0)
  const queue = join(haraka, 'queue')
  const asOther = (words: readonly string[]) => runProcess(words, isRoot ? { uid: 65_534 } : {})
  const advice = 'this user may not read it; try as root or as the user that runs Haraka'
  for (const [words, what] of [
    [['explain', '--queue', message, '-c', haraka], `the message ${message}`],
    [['why', message, '-c', haraka], `the message ${message}`],
    [['diff', file, file, list], `the list ${list}`],
  ] as const) {
    const { status, err } = await asOther(words)
    assert.deepEqual([status, err], [75, `dns-overrides: cannot read ${what}: ${advice}\n`])
  }
  const unread = await asOther(['why', '--to', 'a@gmail.com', '-c', haraka])
  assert.equal(unread.status, 75)
  assert.match(unread.err, /^1 file of .* could not be read\ndns-overrides: nothing is known/)
  chmodSync(queue, isRoot ? 0o700 : 0)
  for (const words of [
    ['why', '--to', 'a@gmail.com', '-c', haraka],
    ['diff', file, file, '--queue', queue],
  ]) {
    const { status, err } = await asOther(words)
    assert.deepEqual([status, err], [75, `dns-overrides: cannot read the queue ${queue}: ${advice}\n`])
  }
  chmodSync(queue, 0o700)
})

test(
  'a full output device is an error of one line and status 74',
  { skip: !existsSync('/dev/full') },
  async () => {
    const full = openSync('/dev/full', 'w')
    const child = spawn(process.execPath, [CLI, 'check'], {
      cwd: folder.path,
      stdio: ['ignore', full, 'pipe'],
    })
    closeSync(full)
    let err = ''
    child.stderr!.on('data', (chunk: Buffer) => (err += chunk.toString()))
    const [status, signal] = (await once(child, 'close')) as [number | null, string | null]
    assert.match(err, /^dns-overrides: the output could not be written: ENOSPC[^\n]*\n$/)
    assert.deepEqual([status, signal], [74, null])
  },
)

test('check - reads the configuration from standard input', async () => {
  const { status, out } = await runProcess(['check', '-'], { input: '* a.test\n' })
  assert.equal(status, 0)
  assert.equal(out, '<stdin>: 0 errors, 0 warnings\n')
})

test('test - and diff - read the configuration from standard input', async () => {
  const input = '* a.test\n[tests]\n<> -> x@b.example : a.test\n'
  const tested = await runProcess(['test', '-'], { input })
  assert.equal(tested.out, 'ok   <stdin>:3  <> -> x@b.example : a.test\n1 test, 0 failed\n')
  const newer = folder.write('newer.ini', '* b.test')
  for (const words of [
    ['diff', '-', newer],
    ['diff', newer, '-'],
  ]) {
    assert.match((await runProcess(words, { input })).out, /^<> -> x@b\.example\n[^]*1 of 1 message would go/)
  }
  const twice = await runProcess(['diff', '-', '-'], { input })
  assert.deepEqual([twice.status, twice.out], [64, ''])
})

test('a file may be the output of another command, as bash writes it', { skip: needs('bash') }, () => {
  const newer = folder.write('newer.ini', '* b.test')
  const script = `printf '* a.test' | "$1" "$2" diff /dev/stdin <(cat "$3") <(echo '<> a@x.example')`
  const out = execFileSync('bash', ['-c', script, 'bash', process.execPath, CLI, newer], { encoding: 'utf8' })
  assert.equal(
    out,
    '<> -> a@x.example\n  - a.test:25 (by line 1)\n  + b.test:25 (by line 1)\n\n1 of 1 message would go elsewhere\n',
  )
})

test('diff - reads the messages from standard input', async () => {
  const old = folder.write('old.ini', '* a.test')
  const { status, out } = await runProcess(['diff', old, folder.write('new.ini', '* b.test'), '-'], {
    input: '<> a@x.example\n',
  })
  assert.equal(status, 0)
  assert.match(out, /1 of 1 message would go elsewhere/)
})

test('the program of `bin` has a shebang', () => {
  assert.match(readFileSync(CLI, 'utf8'), /^#!\/usr\/bin\/env node\n/)
})

test('the manual page can be shown by man', { skip: needs('man') }, async () => {
  const { out } = await runProcess(['help', '--man'])
  const file = folder.write('dns-overrides.1', out)
  const shown = execFileSync('man', ['-l', file], {
    encoding: 'utf8',
    env: { ...process.env, MANPAGER: 'cat', MANWIDTH: '100' },
  })
  assert.match(shown, /explain \[RECIPIENT\] \[options\]/)
  assert.match(shown, /--auth-sender USER/)
})
