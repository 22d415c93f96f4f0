import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../terminal'
import { temporaryFolder } from '../folder'

const folder = temporaryFolder()
const configured = (text: string) => ['--config', folder.write('rules.ini', text)]

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
