import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { startSink } from '../support/smtp-sink'

// What a log collector gets of a start and of a decision, in each format of log.ini.

/** Starts Haraka with a format, lets one message pass, and gives the log. */
async function logOf(t: TestContext, format: string): Promise<HarakaServer> {
  const sink = await startSink()
  t.after(() => sink.close())
  const haraka = await HarakaServer.start({
    overrides: `example.com @isp\n[relay:isp]\nhost = 127.0.0.1\nport = ${sink.port}\n`,
    files: { 'config/log.ini': `[main]\nformat=${format}\nlevel=info\n` },
  })
  t.after(() => haraka.close())
  await haraka.send({ from: 'sender@here.example', to: 'user@example.com' })
  await haraka.waitFor(() => sink.received.length === 1, 'the message', [sink])
  return haraka
}

test('format = json: the record has the fields of the line', async (t) => {
  const haraka = await logOf(t, 'json')
  const records = haraka
    .lines(/"origin":"dns-overrides"/)
    .map((line) => JSON.parse(line.slice(line.indexOf('{'))) as Record<string, unknown>)

  const start = records.find(({ message }) => message === 'config/dns_overrides.ini is in force')!
  assert.deepEqual([start.level, start.lines, start.relays, start.holds], ['NOTICE', 1, ['isp'], []])

  // One tag for all of them: no other record speaks of the plugin or of its decisions.
  const others = haraka
    .lines(/^\{|^[^{]*\{"/)
    .filter(
      (line) =>
        !line.includes('"origin":"dns-overrides"') && /dns_overrides\.ini|"message":"decided/.test(line),
    )
  assert.deepEqual(others, [])

  const decided = records.find(({ message }) => message === 'decided')!
  assert.match(String(decided.uuid), /^[0-9A-F-]{36}\.\d/)
  const { level, domain, sender, recipients, recipient, retries, action, source, lines } = decided
  assert.deepEqual(
    { level, domain, sender, recipients, recipient, retries, action, source, lines },
    {
      level: 'INFO',
      domain: 'example.com',
      sender: 'sender@here.example',
      recipients: 1,
      recipient: 'user@example.com',
      retries: 0,
      action: 'try',
      source: 'overrides',
      lines: [1],
    },
  )
  assert.ok(Number(decided.size) > 0)
  assert.match(String(decided.exchanges), /^10:@isp=127\.0\.0\.1:\d+\(line 1\)$/)
})

test('format = logfmt: the same as key=value', async (t) => {
  const haraka = await logOf(t, 'logfmt')
  assert.equal(
    haraka.lines(
      / level=INFO uuid=\S+ origin=dns-overrides message=decided domain=example\.com sender=sender@here\.example recipients=1 recipient=user@example\.com size=\d+ retries=0 action=try source=overrides lines=1 exchanges="10:@isp=127\.0\.0\.1:\d+\(line 1\)" mx="not asked" /,
    ).length,
    1,
    haraka.log,
  )
})

test('format = default: all lines of the plugin have the same tag', async (t) => {
  const haraka = await logOf(t, 'default')
  const own = haraka.lines(/dns_overrides\.ini|\] decided /)
  assert.ok(own.length >= 2, haraka.log)
  for (const line of own) assert.match(line, /\[(?:NOTICE|INFO|WARN)\] \[[^\]]+\] \[dns-overrides\] /)
})
