import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { join } from 'node:path'
import { run } from './terminal'
import { temporaryFolder } from './folder'

const folder = temporaryFolder()
const configured = (text: string) => ['--config', folder.write('rules.ini', text)]
const file = join(folder.path, 'rules.ini')

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
