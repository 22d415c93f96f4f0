import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runProcess } from '../support/cli'
import { a, mx, startZone, type ZoneServer } from '../support/dns-scripted'
import { freePort } from '../support/dns-servers'
import { HarakaServer } from '../support/haraka-server'

// A message that waits in the queue of a real Haraka, explained and compared.

let zone: ZoneServer
let server: HarakaServer
let file: string

before(async () => {
  zone = await startZone({ 'x.example': [mx(10, 'mx.x.example')], 'mx.x.example': [a('127.0.0.1')] })
  const closed = await freePort()
  server = await HarakaServer.start({
    overrides: `dns_servers = 127.0.0.1:${zone.port}\n[overrides]\nx.example 127.0.0.1:${closed} $authsender=fred $from=boss@corp.example\n`,
    users: { fred: 'Passw0rd' },
    outbound: ['temp_fail_intervals=1h*3', 'local_mx_ok=true'],
  })
  await server.send({
    from: 'boss@corp.example',
    to: ['a@x.example', 'b@x.example'],
    auth: { user: 'fred', password: 'Passw0rd' },
  })
  await server.waitFor(() => /^\d+_\d+_1_/.test(server.queueFiles()[0] ?? ''), 'the message is deferred')
  file = join(server.folder, 'queue', server.queueFiles()[0]!)
})

after(async () => {
  await server.close()
  await zone.stop()
})

test('explain --queue: reads sender, authenticated user, attempts and recipients of a real queue file', async () => {
  const { status, out } = await runProcess(['explain', '--queue', file], { env: { HARAKA: server.folder } })
  assert.equal(status, 0)
  assert.match(
    out,
    /^a@x\.example, b@x\.example\n {2}from boss@corp\.example, authenticated as fred, \d+ bytes, 1 attempt made, queued for \d+m?s, the last failed at connect\n/,
  )
  assert.match(out, /Would be sent by line 3/)
})

test('explain --queue --timeline begins with the attempt that Haraka has scheduled', async () => {
  const words = ['explain', '--queue', file, '--timeline', '--json']
  const { out } = await runProcess(words, { env: { HARAKA: server.folder } })
  const { timeline } = JSON.parse(out) as { timeline: { attempts: { retries: number; at: string }[] } }
  const next = Number(/^\d+_(\d+)_/.exec(server.queueFiles()[0]!)![1])
  assert.deepEqual(
    timeline.attempts.map(({ retries, at }) => [retries, Date.parse(at)]),
    [1, 2, 3].map((retries) => [retries, next + (retries - 1) * 3_600_000]),
  )
})

test('diff --queue: shows the effect of a change on a waiting message', async () => {
  const next = join(server.folder, 'next.ini')
  server.write('next.ini', 'x.example $direct $retries>=1\n')
  const old = join(server.folder, 'config', 'dns_overrides.ini')
  const { status, out } = await runProcess(['diff', old, next, '--queue', join(server.folder, 'queue')])
  assert.equal(status, 0)
  assert.match(out, / {2}- 127\.0\.0\.1:\d+ \(by line 3\)\n {2}\+ direct \(by line 1\)\n/)
  assert.match(out, /1 of 1 message would go elsewhere/)
})
