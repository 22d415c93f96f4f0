import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { run } from './terminal'

const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-explain-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const file = join(folder, 'rules.ini')
const configured = (text: string) => {
  writeFileSync(file, text)
  return ['--config', file]
}

interface Vector {
  readonly name: string
  readonly config: string
  readonly message: Readonly<Record<string, string | number>>
  readonly expect: { readonly exit?: number } & Readonly<Record<string, unknown>>
}

const OPTIONS: Readonly<Record<string, string>> = {
  from: '--from',
  authSender: '--auth-sender',
  size: '--size',
  retries: '--retries',
  mx: '--mx',
  age: '--age',
  reply: '--reply',
  failed: '--failed',
}

/** Is all of `part` in `whole`, lists element by element? */
function within(part: unknown, whole: unknown): boolean {
  if (typeof part !== 'object' || part === null) return part === whole
  if (Array.isArray(part)) {
    return (
      Array.isArray(whole) &&
      part.length === whole.length &&
      part.every((each, index) => within(each, whole[index]))
    )
  }
  const fields = whole as Readonly<Record<string, unknown>>
  return Object.entries(part).every(([key, value]) => within(value, fields[key]))
}

for (const { name, config, message, expect } of JSON.parse(
  readFileSync('test/fixtures/vectors.json', 'utf8'),
) as Vector[]) {
  test(`explain --json: ${name}`, async () => {
    const options = Object.entries(OPTIONS).flatMap(([key, option]) =>
      message[key] === undefined ? [] : [option, String(message[key])],
    )
    const { status, out, err } = await run([
      'explain',
      String(message.to),
      ...options,
      '--json',
      ...configured(config),
    ])
    const { exit = 0, ...fields } = expect
    assert.equal(status, exit, err)
    if (exit === 0) assert.ok(within(fields, JSON.parse(out)), out)
    else assert.match(err, /rules\.ini:1:\d+: error/)
  })
}

const CONTRACT = `; a comment

Example.com  fred:Passw0rd@smtp.myisp.com:587 $adddns

*  @isp  $retries>=4  $end
[relay:isp]
host = relay.example`

test('explain --json prints these keys in this order and no others', async () => {
  const words = ['explain', 'a@example.com', '--retries', '1', '--mx', '20:mx1.example.com.', '--json']
  const { status, out } = await run([...words, ...configured(CONTRACT)])
  assert.equal(status, 0)
  assert.equal(
    out,
    `${JSON.stringify(
      {
        domain: 'example.com',
        outcome: 'deliver',
        source: 'overrides',
        matched: [3],
        exchanges: [
          {
            exchange: 'smtp.myisp.com',
            port: 587,
            priority: 10,
            auth_user: 'fred',
            from: 'overrides',
            line: 3,
          },
          { exchange: 'mx1.example.com', port: 25, priority: 20, from: 'dns' },
        ],
        lines: [
          { line: 3, matched: true },
          { line: 5, matched: false, reason: '$retries>=4 is false: retries is 1' },
        ],
      },
      null,
      2,
    )}\n`,
  )
})

test('explain --json: a message that bounces or is deferred has no exchanges, but a reason', async () => {
  const options = configured('other.example a.test')
  const bounced = await run(['explain', 'a@x.example', '--mx', 'nxdomain', '--json', ...options])
  assert.equal(bounced.status, 68)
  assert.deepEqual(JSON.parse(bounced.out), {
    domain: 'x.example',
    outcome: 'bounce',
    source: 'dns',
    matched: [],
    exchanges: [],
    lines: [{ line: 1, matched: false, reason: 'domain "x.example" does not match other.example' }],
    reason: 'x.example does not exist',
  })
  const deferred = await run(['explain', 'a@x.example', '--mx', 'fail', '--json', ...options])
  assert.equal(deferred.status, 75)
  const { outcome, exchanges } = JSON.parse(deferred.out) as { outcome: string; exchanges: unknown[] }
  assert.deepEqual([outcome, exchanges], ['defer', []])
})

const RECIPIENTS: readonly (readonly [string, string])[] = [
  ['a@Example.COM', 'example.com'],
  ['<a@example.com>', 'example.com'],
  ['example.com.', 'example.com'],
  ['a@example.com.', 'example.com'],
  ['a@bücher.example', 'xn--bcher-kva.example'],
  ['Bücher.example', 'xn--bcher-kva.example'],
  ['"a b"@example.com', 'example.com'],
  ['a@[192.0.2.1]', '[192.0.2.1]'],
  ['[IPv6:2001:db8::1]', '[IPv6:2001:db8::1]'],
]

for (const [recipient, domain] of RECIPIENTS) {
  test(`explain reads the domain of ${recipient}`, async () => {
    const { out } = await run([
      'explain',
      recipient,
      '--mx',
      '10:mx.test',
      '--json',
      ...configured('a.test b.test'),
    ])
    assert.equal((JSON.parse(out) as { domain: string }).domain, domain)
  })
}

test('explain --mx ignores an address, with a warning on stderr', async () => {
  const words = ['explain', 'a@x.example', '--mx', '10:192.0.2.1,20:mx.test', '--json']
  const { out, err, status } = await run([...words, ...configured('')])
  assert.equal(status, 0)
  assert.match(
    err,
    /^--mx: 192\.0\.2\.1 is left out, because an MX record needs a host name, not an address\n$/,
  )
  assert.deepEqual(
    (JSON.parse(out) as { exchanges: { exchange: string }[] }).exchanges.map(({ exchange }) => exchange),
    ['mx.test'],
  )
})

test('explain prints the decision as text', async () => {
  const words = [
    'explain',
    'a@example.com',
    '--from',
    'boss@corp.example',
    '--size',
    '10M',
    '--mx',
    '20:mx1.example.com',
  ]
  const { out } = await run([...words, '--auth-sender', 'joe', '--retries', '2', ...configured(CONTRACT)])
  assert.equal(
    out,
    `a@example.com
  from boss@corp.example, authenticated as joe, 10.0 MiB, 2 attempts made

Override lines of ${file}
  3  Example.com fred:********@smtp.myisp.com:587 $adddns
     matches
  5  * @isp $retries>=4 $end
     no: $retries>=4 is false: retries is 2

Would be sent by line 3
  10  smtp.myisp.com:587  user fred, line 3
  20  mx1.example.com:25  MX of example.com

MX of example.com: 20 mx1.example.com (as given, nothing looked up)
`,
  )
})

test('explain stops the list at a line with $end, and uses colours only on a terminal', async () => {
  const words = ['explain', 'a@example.com', '--mx', 'none', ...configured('* a.test $end\n* b.test')]
  const plain = await run(words)
  assert.match(plain.out, /\$end: no later line is looked at/)
  assert.doesNotMatch(plain.out, /b\.test|\p{Cc}\[/u)
  const colored = await run(words, { color: { out: true, err: true } })
  assert.ok(colored.out.includes('\u001b[32m'))
  assert.equal(colored.out.replace(/\p{Cc}\[\d+m/gu, ''), plain.out)
})

const MANY = [
  ...Array.from({ length: 40 }, (_, index) => `d${index}.example s.example`),
  'example.com a.test $retries>=4',
  'example.com b.test',
  '*.example.com c.test',
].join('\n')

test('explain prints the lines whose domain matches and counts the others; --all prints all', async () => {
  const words = ['explain', 'a@example.com', '--mx', 'none', ...configured(MANY)]
  assert.equal(
    (await run(words)).out,
    `a@example.com
  from the null sender <>, 0 bytes, first attempt

Override lines of ${file}
  41  example.com a.test $retries>=4
      no: $retries>=4 is false: retries is 0
  42  example.com b.test
      matches
  (41 lines for other domains, shown by explain --all)

Would be sent by line 42
  10  b.test:25  line 42
`,
  )
  const all = await run([...words, '--all'])
  assert.match(
    all.out,
    /\n {3}7 {2}d6\.example s\.example\n {6}no: domain "example\.com" does not match d6\.example\n/,
  )
  assert.equal(all.out.match(/ no: /g)?.length, 42)
  assert.doesNotMatch(all.out, /--all/)
})

test('explain: a file in which no line matches the domain, and a file without lines', async () => {
  const words = ['explain', 'a@example.com', '--mx', '10:mx.test']
  const none = await run([...words, ...configured('x.example a.test')])
  assert.ok(
    none.out.includes(
      `No override line of ${file} is for example.com\n  (1 line for other domains, shown by explain --all)\n`,
    ),
    none.out,
  )
  assert.match(none.out, /^Would be sent by DNS, because no override line matches$/m)
  const empty = await run([...words, ...configured('')])
  assert.ok(empty.out.includes(`${file} has no override lines\n`), empty.out)
})

test('explain: exchanges of equal priority are shown without an order', async () => {
  const lines = [
    '* a.test',
    '* @isp $priority:20',
    '* b.test',
    '* c.test $priority:5',
    '[relay:isp]',
    'host = r.test',
  ]
  const words = ['explain', 'a@example.com', '--mx', 'none', ...configured(lines.join('\n'))]
  const { out } = await run([...words, '--timeline'])
  assert.ok(
    out.includes(`Would be sent by lines 1, 2, 3 and 4
   5  c.test:25  line 4
  10  in random order
        a.test:25  line 1
        b.test:25  line 3
  20  r.test:25  @isp, line 2
`),
    out,
  )
  assert.match(
    out,
    / {2}c\.test:25, then a\.test:25 or b\.test:25, then r\.test:25 \(by lines 1, 2, 3 and 4\)\n/,
  )
})

test('explain shows the fallback relays of [attempts]', async () => {
  const relays = ['one', 'two', 'three'].map((name) => `[relay:${name}]\nhost = ${name}.test`).join('\n')
  const options = configured(`${relays}\n[attempts]\n* direct=0 relay=5`)
  const { out } = await run(['explain', 'a@x.example', '--mx', 'none', '--retries', '1', ...options])
  assert.match(out, /^Would be sent by \[attempts\], because no override line matches$/m)
  assert.match(out, /^ {2}10 {2}two\.test:25 {2}@two, relay of \[attempts\]$/m)
  assert.match(out, /^ {2}If that relay fails: @three \(three\.test:25\), then @one \(one\.test:25\)$/m)
})

test('explain names other plugins that may change the result', async () => {
  const haraka = join(folder, 'rivals')
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(haraka, name)), { recursive: true })
    writeFileSync(join(haraka, name), text)
  }
  write('config/dns_overrides.ini', '* a.test')
  write(
    'config/plugins',
    '# tls\ntls\nqueue/smtp_forward\nhook\nharmless\nregistered\ndns-overrides\nrcpt_to.in_host_list\n',
  )
  write('plugins/hook.js', 'exports.hook_get_mx = (next) => next()')
  write('plugins/harmless.js', 'const mx = net_utils.get_mx(domain)')
  write('node_modules/haraka-plugin-registered/index.js', "this.register_hook('server_details', 'x')")
  const words = ['explain', 'a@x.example', '--mx', 'none']
  const { out } = await run([...words, '-c', haraka])
  assert.match(
    out,
    /\nPlugins queue\/smtp_forward, hook and registered have hooks for get_mx or server_details too, and may change this\.\n$/,
  )
  write('config/plugins', 'hook\ndns-overrides')
  assert.match(
    (await run([...words, '-c', haraka])).out,
    /\nPlugin hook has hooks for .*, and may change this\.\n$/,
  )
  write('config/plugins', 'harmless\nharaka-plugin-dns-overrides')
  assert.doesNotMatch((await run([...words, '-c', haraka])).out, /may change/)
})

test('explain --timeline shows the time of each attempt, and the bounce', async () => {
  mkdirSync(join(folder, 'config'), { recursive: true })
  writeFileSync(join(folder, 'config', 'outbound.ini'), 'temp_fail_intervals = 1m, 1h*2\n')
  const options = configured('x.example a.test\nx.example b.test $retries>=2 $end $priority:5')
  const words = ['explain', 'a@x.example', '--timeline', '--mx', 'none', ...options]
  const { out, status } = await run([...words, '--json'], { env: { HARAKA: folder } })
  assert.equal(status, 0)
  const { timeline } = JSON.parse(out) as {
    timeline: {
      attempts: { retries: number; at: string; exchanges: { exchange: string }[] }[]
      bounce: unknown
    }
  }
  assert.deepEqual(
    timeline.attempts.map(({ retries, at, exchanges }) => [
      retries,
      at,
      exchanges.map(({ exchange }) => exchange).join(),
    ]),
    [
      [0, '2026-05-17T12:00:00.000Z', 'a.test'],
      [1, '2026-05-17T12:01:00.000Z', 'a.test'],
      [2, '2026-05-17T13:01:00.000Z', 'b.test,a.test'],
      [3, '2026-05-17T14:01:00.000Z', 'b.test,a.test'],
    ],
  )
  assert.deepEqual(timeline.bounce, {
    at: '2026-05-17T14:01:00.000Z',
    reason: "Haraka's retry intervals are used up",
  })
  const text = await run(words, { env: { HARAKA: folder } })
  assert.equal(text.out.match(/\(by line/g)?.length, 4)
  assert.match(text.out, /^ {4}0 {2}2026-05-17 12:00:00 UTC {2}a\.test:25 \(by line 1\)$/m)
  assert.match(text.out, /^ {7}2026-05-17 14:01:00 UTC {2}bounces: Haraka's retry intervals are used up$/m)
})

test('explain --timeline ends where [attempts] ends', async () => {
  const options = configured('[relay:isp]\nhost = relay.example\n[attempts]\n* direct=1 relay=2')
  const { out } = await run(['explain', 'a@x.example', '--timeline', '--mx', 'none', '--json', ...options])
  const { timeline } = JSON.parse(out) as {
    timeline: { attempts: { outcome: string }[]; bounce: { reason: string } }
  }
  assert.deepEqual(
    timeline.attempts.map(({ outcome }) => outcome),
    ['deliver', 'deliver', 'deliver', 'bounce'],
  )
  assert.equal(timeline.bounce.reason, 'all attempts of [attempts] are made: direct=1 relay=2')
})

test('explain --timeline branches where a reply or a failure decides', async () => {
  mkdirSync(join(folder, 'config'), { recursive: true })
  writeFileSync(join(folder, 'config', 'outbound.ini'), 'temp_fail_intervals = 1m, 1h*2\n')
  const options = configured(
    [
      'x.example spare.test $reply~=*S3140* $end',
      'x.example slow.test $reply~=*greylisted* $again:20m $end',
      'x.example odd.test $reply~=/^45.*partner.word/i $retries>=2 $end',
      'x.example plain.test $failed=tls $end',
      'x.example never.test $reply~=*S3150* $retries>=9 $end',
      'other.example no.test $reply~=*S3140* $end',
      'x.example a.test',
    ].join('\n'),
  )
  const words = ['explain', 'a@x.example', '--timeline', '--mx', 'none', ...options]
  const { out } = await run([...words, '--json'], { env: { HARAKA: folder } })
  const { timeline } = JSON.parse(out) as {
    timeline: {
      branches: {
        line: number
        after: number
        at: string
        failed: string
        reply?: string
        exchanges: { exchange: string }[]
      }[]
    }
  }
  assert.deepEqual(
    timeline.branches.map((branch) => [
      branch.line,
      branch.after,
      branch.at.slice(11, 19),
      branch.failed,
      branch.exchanges.map(({ exchange }) => exchange).join(),
    ]),
    [
      [1, 0, '12:00:00', 'rcpt', 'spare.test'],
      [2, 0, '12:20:00', 'rcpt', 'slow.test'],
      [4, 0, '12:01:00', 'tls', 'plain.test'],
    ],
  )
  assert.match(timeline.branches[0]!.reply!, /^550 5\.7\.1 .*S3140/)
  assert.equal(timeline.branches[2]!.reply, undefined)
  const text = await run(words, { env: { HARAKA: folder } })
  assert.match(
    text.out,
    /^ {4}0 {2}at once {2}spare\.test:25 \(by line 1\)\n {7}if refused with "550 5\.7\.1 .*\(S3140\)", for example$/m,
  )
  assert.match(
    text.out,
    /^ {4}0 {2}2026-05-17 12:01:00 UTC {2}plain\.test:25 \(by line 4\)\n {7}if it fails at tls$/m,
  )
})

/** A queue file as Haraka writes it. */
function queueFile(name: string, todo: object, message: string): string {
  const header = Buffer.from(`\n${JSON.stringify(todo)}\n`)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(header.length)
  const path = join(folder, name)
  writeFileSync(path, Buffer.concat([length, header, Buffer.from(message)]))
  return path
}

test('explain --queue reads sender, size, attempts, user and rotation offset of a message; options replace them', async () => {
  const todo = {
    queue_time: 1,
    domain: 'x.example',
    rcpt_to: [
      { original: '<a@x.example>', user: 'a', host: 'x.example' },
      { original: '<b@x.example>', user: 'b', host: 'x.example' },
    ],
    mail_from: { original: '<boss@corp.example>', user: 'boss', host: 'corp.example' },
    notes: { dns_overrides: { auth_sender: 'fred', attempts: 1, rotation_offset: 1 } },
  }
  const queued = queueFile('1_1800000000000_1_2_AbCdEf_3_mail.example', todo, 'hello')
  const options = configured(
    [
      'x.example a.test $from=boss@corp.example $authsender=fred $size=5 $retries=2 $end',
      'x.example b.test $retries=9 $end',
      '[relay:one]\nhost = one.example\n[relay:two]\nhost = two.example\n[attempts]\n* direct=0 relay=20',
    ].join('\n'),
  )
  const json = async (...words: string[]) => {
    const { out } = await run(['explain', '--queue', queued, '--mx', 'none', '--json', ...words, ...options])
    return JSON.parse(out) as { exchanges: { exchange: string }[]; timeline: { attempts: { at: string }[] } }
  }
  assert.equal((await json()).exchanges[0]?.exchange, 'a.test')
  assert.equal((await json('--retries', '9')).exchanges[0]?.exchange, 'b.test')
  // rotation offset 1, no retry: the second relay
  assert.equal((await json('--retries', '0')).exchanges[0]?.exchange, 'two.example')
  const { timeline } = await json('--timeline')
  assert.equal(timeline.attempts[0]?.at, new Date(1_800_000_000_000).toISOString())
  // one attempt was before a split: Haraka has 12 intervals, of which one is used
  assert.equal(timeline.attempts.length, 12)
  const { out } = await run(['explain', '--queue', queued, '--mx', 'none', ...options])
  assert.match(
    out,
    /^a@x\.example, b@x\.example\n {2}from boss@corp\.example, authenticated as fred, 5 bytes, 2 attempts made, queued for [\dhd ]+\n/,
  )
})

test('explain: addresses from outside cannot move the cursor or hide text, as text and as JSON', async () => {
  const nasty = 'a\u001b[2J\u009b\u0085\u202e\u2066\u200b\ufeff\u{e0001}b'
  const todo = {
    queue_time: 1,
    domain: 'x.example',
    rcpt_to: [{ user: nasty, host: 'x.example' }],
    mail_from: { user: nasty, host: 'corp.example' },
    notes: { dns_overrides: { auth_sender: nasty } },
  }
  mkdirSync(join(folder, 'queue'), { recursive: true })
  const queued = queueFile('queue/1_1800000000000_1_2_AbCdEf_9_mail.example', todo, 'hello')
  const options = configured(`x.example a.test $from=x $authsender=y`)
  const unsafe = /[\p{Cc}\p{Cf}]/u
  const explain = ['explain', '--queue', queued, '--mx', 'none', ...options]
  const old = join(folder, 'old.ini')
  writeFileSync(old, '* b.test')
  const diff = ['diff', old, file, '--queue', join(folder, 'queue')]
  for (const words of [explain, [...explain, '--json'], diff, [...diff, '--json']]) {
    const { status, out, err } = await run(words)
    assert.equal(status, 0, err)
    assert.doesNotMatch(`${out}${err}`.replaceAll('\n', ''), unsafe, words.join(' '))
  }
  const { changes } = JSON.parse((await run([...diff, '--json'])).out) as { changes: { message: string }[] }
  assert.ok(changes[0]?.message.includes(nasty), 'JSON keeps the text as it was')
})

test('explain: a missing file and a file with errors are status 78, with every error', async () => {
  const missing = await run(['explain', 'a@x.example', '--config', join(folder, 'none.ini')])
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
    ['haraka', { env: { HARAKA: join(folder, 'haraka') } }],
    ['here', { cwd: join(folder, 'here') }],
  ] as const) {
    mkdirSync(join(folder, name, 'config'), { recursive: true })
    writeFileSync(join(folder, name, 'config', 'dns_overrides.ini'), `* ${name}.test`)
    const { out } = await run(['explain', 'a@x.example', '--mx', 'none'], changes)
    assert.match(out, new RegExp(`${name}\\.test:25`))
  }
})

test('explain: --config takes precedence over HARAKA for every file', async () => {
  const haraka = (name: string, target: string, intervals: string) => {
    const path = join(folder, name)
    mkdirSync(join(path, 'config'), { recursive: true })
    writeFileSync(join(path, 'config', 'dns_overrides.ini'), `* ${target}`)
    writeFileSync(join(path, 'config', 'outbound.ini'), `temp_fail_intervals = ${intervals}`)
    return path
  }
  const mine = haraka('mine', 'mine.test', '1m')
  const theirs = haraka('theirs', 'theirs.test', '1m*3')
  const loose = join(folder, 'loose.ini')
  writeFileSync(loose, '* loose.test')
  for (const [named, target, attempts] of [
    [mine, 'mine.test', 2],
    [join(mine, 'config'), 'mine.test', 2],
    [join(mine, 'config', 'dns_overrides.ini'), 'mine.test', 2],
    // a file that belongs to no Haraka has the settings of HARAKA beside it
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
  const config = join(folder, 'misspelled', 'config')
  mkdirSync(config, { recursive: true })
  writeFileSync(join(config, 'dns-overrides.ini'), '')
  const { status, err } = await run(['explain', 'a@x.example', '-c', config])
  assert.equal(status, 78)
  assert.match(err, /there is no such file \(there is a file dns-overrides\.ini: rename it\)\n$/)
})

test('explain uses age, last reply and failed step, and shows them in the title', async () => {
  const options = configured('x.example a.test $age>=4h $end\nx.example b.test')
  const words = ['explain', 'a@x.example', '--mx', 'none', ...options]
  const more = ['--age', '4h', '--reply', '550 5.7.1 blo\u001bcked', '--failed', 'mail']
  const { out } = await run([...words, ...more])
  assert.match(
    out,
    /first attempt, queued for 4h, the last failed at mail, refused with "550 5\.7\.1 blo\ufffdcked"\n/,
  )
  assert.match(out, /a\.test:25/)
  const younger = await run([...words, '--age', '30m'])
  assert.match(younger.out, /no: \$age>=4h is false: age is 30m/)
})

test('explain: a wrong age or step is wrong usage', async () => {
  const words = ['explain', 'a@x.example', '--mx', 'none', ...configured('')]
  const age = await run([...words, '--age', '4w'])
  assert.deepEqual([age.status, age.err.includes('--age takes a time')], [64, true])
  const failed = await run([...words, '--failed', 'lunch'])
  assert.deepEqual([failed.status, failed.err.includes('one of dns, connect, greeting, tls')], [64, true])
})

test('explain --timeline: the message grows older from attempt to attempt', async () => {
  mkdirSync(join(folder, 'config'), { recursive: true })
  writeFileSync(join(folder, 'config', 'outbound.ini'), 'temp_fail_intervals = 1m, 1h\n')
  const options = configured('x.example a.test $age<1h\nx.example b.test $age>=1h')
  const words = ['explain', 'a@x.example', '--timeline', '--mx', 'none', '--age', '30m', ...options]
  const { out } = await run(words, { env: { HARAKA: folder } })
  assert.match(out, /0 {2}.*a\.test.*\n.*1 {2}.*a\.test.*\n.*2 {2}.*b\.test/)
})

test('explain: an error that quotes a crafted queue file prints no control characters', async () => {
  const header = Buffer.from(
    JSON.stringify({
      queue_time: 1,
      domain: 'ex\u001b[2Jample.com\u202e',
      rcpt_to: [{ user: 'a', host: 'b.example' }],
      mail_from: { user: 'c', host: 'd.example' },
      notes: {},
    }),
  )
  const length = Buffer.alloc(4)
  length.writeUInt32BE(header.length)
  const queued = join(folder, '1_2_0_3_AbCdEf_4_mail')
  writeFileSync(queued, Buffer.concat([length, header, Buffer.from('hi')]))
  const { status, err } = await run(['explain', '--queue', queued, '--offline', ...configured('* h.example')])
  assert.equal(status, 64)
  assert.match(err, /is neither an address nor a domain/)
  assert.ok(!err.includes('\u001b') && !err.includes('\u202e'), JSON.stringify(err))
})
