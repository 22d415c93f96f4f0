import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../terminal'
import { temporaryFolder } from '../folder'

const folder = temporaryFolder()
const configured = (text: string) => ['--config', folder.write('rules.ini', text)]

test('explain --timeline shows the time of each attempt, and the bounce', async () => {
  folder.write('config/outbound.ini', 'temp_fail_intervals = 1m, 1h*2\n')
  const options = configured('x.example a.test\nx.example b.test $retries>=2 $end $priority:5')
  const words = ['explain', 'a@x.example', '--timeline', '--mx', 'none', ...options]
  const { out, status } = await run([...words, '--json'], { env: { HARAKA: folder.path } })
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
  const text = await run(words, { env: { HARAKA: folder.path } })
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
  folder.write('config/outbound.ini', 'temp_fail_intervals = 1m, 1h*2\n')
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
  const { out } = await run([...words, '--json'], { env: { HARAKA: folder.path } })
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
  const text = await run(words, { env: { HARAKA: folder.path } })
  assert.match(
    text.out,
    /^ {4}0 {2}at once {2}spare\.test:25 \(by line 1\)\n {7}if refused with "550 5\.7\.1 .*\(S3140\)", for example$/m,
  )
  assert.match(
    text.out,
    /^ {4}0 {2}2026-05-17 12:01:00 UTC {2}plain\.test:25 \(by line 4\)\n {7}if it fails at tls$/m,
  )
})

test('explain --timeline: the message grows older from attempt to attempt', async () => {
  folder.write('config/outbound.ini', 'temp_fail_intervals = 1m, 1h\n')
  const options = configured('x.example a.test $age<1h\nx.example b.test $age>=1h')
  const words = ['explain', 'a@x.example', '--timeline', '--mx', 'none', '--age', '30m', ...options]
  const { out } = await run(words, { env: { HARAKA: folder.path } })
  assert.match(out, /0 {2}.*a\.test.*\n.*1 {2}.*a\.test.*\n.*2 {2}.*b\.test/)
})
