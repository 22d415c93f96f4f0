import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runProcess } from '../support/cli'
import { HarakaServer } from '../support/haraka-server'
import { startSink, type Sink } from '../support/smtp-sink'

// The story of one message of a real Haraka: deferred twice, held, delivered.

let sink: Sink
let server: HarakaServer

const dnsOverrides = (...words: string[]) => runProcess(words, { cwd: server.folder })

before(async () => {
  sink = await startSink()
  sink.answer = (stage) => (stage === 'rcpt' ? { code: 451, text: '4.7.1 later' } : undefined)
  server = await HarakaServer.start({
    overrides: `x.example @isp $end\n[relay:isp]\nhost = 127.0.0.1\nport = ${sink.port}\n`,
    outbound: ['temp_fail_intervals=1h*3', 'local_mx_ok=true'],
  })
})

after(async () => {
  await server.close()
  await sink.close()
})

test('why: shows a message that is deferred twice, held, and delivered', async () => {
  await server.send({ from: 'boss@corp.example', to: 'u@x.example' })
  const isTried = (times: number) => () => server.queueFiles()[0]?.split('_')[2] === String(times)
  await server.waitFor(isTried(1), 'the first attempt')
  const firstName = server.queueFiles()[0]!
  await server.flushUntil(isTried(2), 'the second attempt')

  const { out: queued } = await dnsOverrides('why', '--to', 'u@x.example')
  const id = queued.slice(0, queued.indexOf('\n'))
  assert.match(id, /^[\dA-F-]{36}\.1\.1$/)
  assert.match(queued, /^ {2}from boss@corp\.example to u@x\.example, \d+ bytes$/m)
  const attempt = String.raw` {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC {2}line 1 {2}relay isp {2}no TLS {2}failed at rcpt\n {4}451 4\.7\.1 later\n`
  assert.match(queued, new RegExp(`^Attempts\n(?:${attempt}){2}\n`, 'm'))
  assert.match(queued, /^Haraka tries it again at .* UTC, in (?:1h|59m \d+s)$/m)
  assert.match(queued, /^Would be sent by line 1$/m)
  assert.match(queued, /^If no server accepts it$/m)

  const file = join('queue', server.queueFiles()[0]!)
  for (const word of [id, id.slice(0, 36), file, server.queueFiles()[0]!, firstName]) {
    assert.ok((await dnsOverrides('why', word)).out.startsWith(`${id}\n`), word)
  }

  await dnsOverrides('relays', '--hold', 'isp', '--reason', 'maintenance')
  const mark = server.mark()
  await server.flushUntil(() => server.lines(/not now: relay isp is held/, mark).length > 0, 'the hold')
  const held = await tellWhen(id, /^It has been held since /m)
  assert.match(held.out, /^It has been held since .* UTC, and no attempt is counted: relay isp is held/m)
  assert.match(held.out, /^Would wait: relay isp is held \(line 1\)$/m)
  assert.match(held.out, /held by hand since .* UTC: maintenance/)
  assert.equal(held.status, 75)

  sink.answer = () => undefined
  await dnsOverrides('relays', '--resume', 'isp')
  await server.flushUntil(() => sink.received.length === 1, 'the delivery', [sink])
  const delivered = await tellWhen(id, /^Delivered at /m)
  assert.match(delivered.out, new RegExp(`^Attempts\n(?:${attempt}){2} {2}.* {2}delivered\n`, 'm'))
  assert.equal(delivered.status, 0)
})

/** What `why` says as soon as the server has reported it: at most a second later. */
async function tellWhen(id: string, told: RegExp) {
  for (let tries = 1; ; tries++) {
    const ran = await dnsOverrides('why', id)
    if (told.test(ran.out)) return ran
    assert.ok(tries < 20, `${ran.out}${ran.err}`)
  }
}
