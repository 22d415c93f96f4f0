import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queueAddress, queueBytes, temporaryFolder } from '../folder'
import { run } from '../terminal'

const folder = temporaryFolder()
const DIVIDING = [
  '--config',
  folder.write('dividing.ini', '* a.test $rcpt~=joe* $end\n* b.test $retries>=1 $end\n* c.test'),
]
const [JOE, ANN, FRED] = ['joe', 'ann', 'fred'].map((local) => `${local}@corp.example`) as [
  string,
  string,
  string,
]

test('explain --to: recipients with different routes are shown as the messages that Haraka would send', async () => {
  const { status, out } = await run(['explain', ANN, '--to', JOE, '--to', FRED, '--mx', 'none', ...DIVIDING])
  assert.equal(status, 0)
  assert.match(
    out,
    /^Its recipients go different ways: divided into 2 messages\n\nann@corp.example, fred@corp.example\n/,
  )
  assert.match(
    out,
    /\n {2}10 {2}c.test:25 {2}line 3\n[^]*\njoe@corp.example\n[^]*\n {2}10 {2}a.test:25 {2}line 1\n/,
  )
})

test('explain --to --json: each message with its recipients', async () => {
  const { out } = await run(['explain', '--to', ANN, '--to', JOE, '--mx', 'none', '--json', ...DIVIDING])
  const { domain, messages } = JSON.parse(out) as {
    domain: string
    messages: { recipients: string[]; matched: number[] }[]
  }
  assert.equal(domain, 'corp.example')
  assert.deepEqual(
    messages.map(({ recipients, matched }) => [recipients, matched]),
    [
      [[ANN], [3]],
      [[JOE], [1]],
    ],
  )
})

test('explain --to: recipients with the same route are one message, and its title names all of them', async () => {
  const { out } = await run(['explain', ANN, '--to', FRED, '--mx', 'none', ...DIVIDING])
  assert.match(out, /^ann@corp.example, fred@corp.example\n/)
  assert.equal(out.match(/Would be sent/g)?.length, 1)
})

test('explain --to: recipients of two domains are wrong usage, because Haraka makes a message for each domain', async () => {
  const { status, err } = await run(['explain', ANN, '--to', 'a@other.example', '--mx', 'none', ...DIVIDING])
  assert.equal(status, 64)
  assert.match(err, /of two domains, and Haraka makes a message for each domain/)
})

test('explain --to: status 75 if one of the messages would be deferred, 68 if one would bounce', async () => {
  for (const [mx, status] of [
    ['fail', 75],
    ['nxdomain', 68],
  ] as const) {
    const config = ['--config', folder.write('direct.ini', '* a.test $rcpt~=joe*')]
    assert.equal((await run(['explain', ANN, '--to', JOE, '--mx', mx, ...config])).status, status)
  }
})

test('explain --queue: a queued message is divided in the same way, with its attempts', async () => {
  const todo = {
    queue_time: 1,
    domain: 'corp.example',
    rcpt_to: [ANN, JOE, FRED].map(queueAddress),
    mail_from: queueAddress('s@x.example'),
    notes: {},
  }
  const queued = folder.write('1_1800000000000_1_2_AbCdEf_3_mail.example', queueBytes(todo, 'hello'))
  const { out } = await run(['explain', '--queue', queued, '--mx', 'none', ...DIVIDING])
  assert.match(out, /divided into 2 messages\n\nann@corp.example, fred@corp.example\n[^]*b.test:25/)
})
