import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../terminal'
import { temporaryFolder, queueBytes } from '../folder'

const folder = temporaryFolder()
const configured = (text: string) => ['--config', folder.write('rules.ini', text)]

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
  const queued = folder.write('1_1800000000000_1_2_AbCdEf_3_mail.example', queueBytes(todo, 'hello'))
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
  const queued = folder.write('queue/1_1800000000000_1_2_AbCdEf_9_mail.example', queueBytes(todo, 'hello'))
  const options = configured(`x.example a.test $from=x $authsender=y`)
  const unsafe = /[\p{Cc}\p{Cf}]/u
  const explain = ['explain', '--queue', queued, '--mx', 'none', ...options]
  const old = folder.write('old.ini', '* b.test')
  const diff = ['diff', old, join(folder.path, 'rules.ini'), '--queue', join(folder.path, 'queue')]
  for (const words of [explain, [...explain, '--json'], diff, [...diff, '--json']]) {
    const { status, out, err } = await run(words)
    assert.equal(status, 0, err)
    assert.doesNotMatch(`${out}${err}`.replaceAll('\n', ''), unsafe, words.join(' '))
  }
  const { changes } = JSON.parse((await run([...diff, '--json'])).out) as { changes: { message: string }[] }
  assert.ok(changes[0]?.message.includes(nasty), 'JSON keeps the text as it was')
})

test('explain: an error that quotes a crafted queue file prints no control characters', async () => {
  const todo = {
    queue_time: 1,
    domain: 'ex\u001b[2Jample.com\u202e',
    rcpt_to: [{ user: 'a', host: 'b.example' }],
    mail_from: { user: 'c', host: 'd.example' },
    notes: {},
  }
  const queued = folder.write('1_2_0_3_AbCdEf_4_mail', queueBytes(todo, 'hi'))
  const { status, err } = await run(['explain', '--queue', queued, '--offline', ...configured('* h.example')])
  assert.equal(status, 64)
  assert.match(err, /is neither an address nor a domain/)
  assert.ok(!err.includes('\u001b') && !err.includes('\u202e'), JSON.stringify(err))
})
