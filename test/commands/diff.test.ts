import { execFileSync } from 'node:child_process'
import assert from 'node:assert/strict'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { queueAddress, queueBytes, temporaryFolder } from './folder'
import { run } from './terminal'

const folder = temporaryFolder()
const OLD = folder.write('old.ini', 'gmail.com smtp.myisp.com\nx.example fred:Passw0rd@a.test $end')
const NEW = folder.write(
  'new.ini',
  '# moved\ngmail.com smtp.myisp.com:587 $retries>=2\nx.example joe:Passw0rd@a.test $end',
)

test('diff: lists the messages that would go elsewhere, and the line that decides', async () => {
  const messages = folder.write(
    'messages.txt',
    '# typical messages\n\nboss@corp.example a@gmail.com\n<> a@gmail.com retries=2 mx=none\n<> a@other.example\n<> a@x.example\n',
  )
  const { status, out } = await run(['diff', OLD, NEW, messages])
  assert.equal(status, 0)
  assert.equal(
    out,
    `boss@corp.example -> a@gmail.com
  - smtp.myisp.com:25 (by line 1)
  + direct (by DNS)

<> -> a@gmail.com retries=2 mx=none
  - smtp.myisp.com:25 (by line 1)
  + smtp.myisp.com:587 (by line 2)

<> -> a@x.example
  - a.test:25 (by line 2)
  + a.test:25 (by line 3)
    the same servers, in another order or with other settings

3 of 4 messages would go elsewhere
`,
  )
})

for (const setting of [
  'tls = required',
  'lmtp = true',
  'family = v4',
  'next_mx = temporary',
  'bind = 192.0.2.7',
  'bind_helo = mx.example.com',
  'user = fred\npassword = Passw0rd',
]) {
  test(`diff: another ${setting.split('\n')[0]} of the same server is a change`, async () => {
    const before = '* @isp\n[relay:isp]\nhost = 127.0.0.1\nport = 2525\n'
    const files = [folder.write('before.ini', before), folder.write('after.ini', `${before}${setting}\n`)]
    const { out } = await run(['diff', ...files, folder.write('one.txt', '<> a@x.example')])
    assert.match(out, /1 of 1 message would go elsewhere/)
  })
}

const TLS = resolve('test/fixtures/tls')

for (const setting of [
  'allow_plaintext_auth = true',
  `tls_cert = ${TLS}/client.pem\ntls_key = ${TLS}/client.key`,
]) {
  test(`diff: another ${setting.split(' ')[0]} with the same login is a change`, async () => {
    const before = '* @isp\n[relay:isp]\nhost = 127.0.0.1\nuser = fred\npassword = Passw0rd\n'
    const files = [folder.write('before.ini', before), folder.write('after.ini', `${before}${setting}\n`)]
    const { out } = await run(['diff', ...files, folder.write('one.txt', '<> a@x.example')])
    assert.match(out, /1 of 1 message would go elsewhere/)
  })
}

test('diff: another limit is not a change of route', async () => {
  const before = '* @isp\n[relay:isp]\nhost = 127.0.0.1\n'
  const files = [
    folder.write('before.ini', before),
    folder.write('after.ini', `${before}max_connections = 2\n`),
  ]
  const { out } = await run(['diff', ...files, folder.write('one.txt', '<> a@x.example')])
  assert.match(out, /0 of 1 message would go elsewhere/)
})

test('diff: equal changes are one row with a count', async () => {
  const messages = Array.from({ length: 400 }, (_, index) => `<> u${index}@gmail.com`)
  const list = folder.write('many.txt', [...messages, '<> a@x.example'].join('\n'))
  const { out } = await run(['diff', OLD, folder.write('empty.ini', ''), list])
  assert.equal(
    out,
    `400 messages, for example <> -> u0@gmail.com
  - smtp.myisp.com:25 (by line 1)
  + direct (by DNS)

<> -> a@x.example
  - a.test:25 (by line 2)
  + direct (by DNS)

401 of 401 messages would go elsewhere
`,
  )
})

test('diff: takes MX records from the list', async () => {
  const list = folder.write('given.txt', '<> a@gmail.com mx=10:mx.google.example')
  const { out } = await run(['diff', OLD, folder.write('none.ini', ''), list])
  assert.match(out, /\+ mx\.google\.example:25 \(by DNS\)/)
})

test('diff: the same file twice shows no changes', async () => {
  const messages = folder.write('one.txt', '<> a@gmail.com')
  assert.equal((await run(['diff', OLD, OLD, messages])).out, '0 of 1 message would go elsewhere\n')
})

test('diff --queue: a path that is not a folder is an error', async () => {
  const file = folder.write('plain', '')
  const fifo = join(folder.path, 'fifo')
  execFileSync('mkfifo', [fifo])
  for (const path of [file, fifo, '/dev/null']) {
    const { status, err } = await run(['diff', OLD, NEW, '--queue', path])
    assert.equal(status, 64)
    assert.ok(err.includes(`cannot read the queue ${path}: it is not a folder (see`), err)
  }
  const below = await run(['diff', OLD, NEW, '--queue', join(fifo, 'queue')])
  assert.match(below.err, /: a part of its path is not a folder/)
})

test('diff --queue: reads the waiting messages and ignores other files', async () => {
  const todo = (to: string) => ({
    queue_time: 1,
    domain: to.split('@')[1],
    rcpt_to: [queueAddress(to)],
    mail_from: queueAddress('boss@corp.example'),
    notes: {},
  })
  folder.write('queue/1_2_2_3_AbCdEf_4_mail.example', queueBytes(todo('a@gmail.com'), 'hello'))
  folder.write('queue/1_2_0_3_GhIjKl_5_mail.example', queueBytes(todo('a@other.example'), 'hello'))
  folder.write('queue/1_2_0_3_MnOpQr_6_mail.example', 'cut short')
  folder.write('queue/__tmp__.1_2_0_3_StUvWx_7_mail.example', 'not yet written')
  folder.write('queue/error.1_2_0_3_StUvWx_7_mail.example/file', 'a folder')
  const { status, out, err } = await run(['diff', OLD, NEW, '--queue', join(folder.path, 'queue'), '--json'])
  assert.equal(status, 0)
  assert.match(err, /^cannot read the message .*MnOpQr.*: it is not a queue file of Haraka\n$/)
  assert.deepEqual(JSON.parse(out), {
    messages: 2,
    changes: [
      {
        message: '1_2_2_3_AbCdEf_4_mail.example boss@corp.example -> a@gmail.com',
        domain: 'gmail.com',
        before: {
          outcome: 'deliver',
          source: 'overrides',
          matched: [1],
          exchanges: [{ exchange: 'smtp.myisp.com', port: 25, priority: 10, from: 'overrides', line: 1 }],
        },
        after: {
          outcome: 'deliver',
          source: 'overrides',
          matched: [2],
          exchanges: [{ exchange: 'smtp.myisp.com', port: 587, priority: 10, from: 'overrides', line: 2 }],
        },
      },
    ],
  })
})

test('diff: without a list it compares the messages of [tests] of both files', async () => {
  const before = folder.write(
    'before.ini',
    '* a.test\n[tests]\n<> -> a@x.example : a.test\n<> -> b@x.example : a.test',
  )
  const after = folder.write(
    'after.ini',
    'x.example b.test $end\n* a.test\n[tests]\n<> -> a@x.example : b.test',
  )
  assert.match((await run(['diff', before, after])).out, /2 of 2 messages would go elsewhere\n$/)
})

test('diff: a message that would bounce is shown with its reason', async () => {
  const after = folder.write('direct.ini', 'gmail.com $direct')
  const { out } = await run(['diff', OLD, after, folder.write('bounce.txt', '<> a@gmail.com mx=nxdomain')])
  assert.match(out, / {2}\+ bounce \(gmail\.com does not exist\)\n/)
})

const WRONG: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['no messages', [], /which messages\? Give a LIST or --queue FOLDER/],
  ['a list that is missing', ['none.txt'], /cannot read the list .*none\.txt: there is no such file/],
  ['a queue that is missing', ['--queue', 'none'], /cannot read the queue .*none: there is no such file/],
  ['a line with one word', [folder.write('w1.txt', '\n<>\n')], /w1\.txt:2: expected SENDER RECIPIENT/],
  [
    'an unknown word',
    [folder.write('w2.txt', '<> a@x.example retry=1')],
    /w2\.txt:1: "retry=1" is not one of retries=/,
  ],
]

for (const [name, words, message] of WRONG) {
  test(`diff: wrong usage: ${name}`, async () => {
    const { status, err } = await run(['diff', OLD, NEW, ...words], { cwd: folder.path })
    assert.equal(status, 64)
    assert.match(err, message)
  })
}

test('diff: prints the errors of either file', async () => {
  const bad = folder.write('bad.ini', 'nonsense')
  const { status, err } = await run(['diff', OLD, bad, folder.write('one.txt', '<> a@gmail.com')])
  assert.equal(status, 78)
  assert.match(err, /bad\.ini:1:1: error:/)
})

test('diff: compares a queued message recipient by recipient if $rcpt divides it in either file', async () => {
  const [joe, ann, fred] = ['joe', 'ann', 'fred'].map((local) => `${local}@corp.example`) as [
    string,
    string,
    string,
  ]
  const todo = {
    queue_time: 1_779_000_000_000,
    domain: 'corp.example',
    rcpt_to: [joe, ann, fred].map(queueAddress),
    mail_from: queueAddress('s@x.example'),
    notes: {},
  }
  const name = '1779000000000_1779000600000_2_814_Xk0q1c_3_mail'
  folder.write(`divided/${name}`, queueBytes(todo, 'Subject: x\r\n'))
  const before = folder.write('before.ini', '* a.test $rcpt~=joe* $end\n* b.test')
  const after = folder.write('after.ini', '* c.test $rcpt~=fred* $end\n* b.test')
  const { out } = await run(['diff', before, after, '--queue', join(folder.path, 'divided')])
  const title = `${name} s@x.example -> ${joe}, ${ann}, ${fred}`
  assert.equal(
    out,
    `${title} (for ${joe})
  - a.test:25 (by line 1)
  + b.test:25 (by line 2)

${title} (for ${fred})
  - b.test:25 (by line 2)
  + c.test:25 (by line 1)

1 of 1 message would go elsewhere
`,
  )
  const json = await run(['diff', before, after, '--queue', join(folder.path, 'divided'), '--json'])
  const { changes } = JSON.parse(json.out) as { changes: { recipients: string[]; message: string }[] }
  assert.deepEqual(
    changes.map(({ message, recipients }) => [message, recipients]),
    [
      [title, [joe]],
      [title, [fred]],
    ],
  )
})
