import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  startRelay,
  startHaraka,
  relaySection,
  recipients,
  counted,
  empty,
  flush,
  says,
  BOUNCE,
} from '../support/relay-haraka'

test('breaker: the next route is used at once, the relay is left out, tried once after retry_after, and used again', async (t) => {
  const main = await startRelay(t, { script: says('CONNECT', '554 no') })
  const long = await startRelay(t, { script: says('CONNECT', '554 no') })
  const backup = await startRelay(t)
  const server = await startHaraka(
    t,
    `long.example @long $priority:1
d.example @main $priority:1
* @backup $priority:2
${relaySection('long', long.port, 'retry_after = 1h')}${relaySection('main', main.port, 'retry_after = 3s')}${relaySection('backup', backup.port)}`,
  )
  const sent = ['a@long.example', 'b@long.example', 'c@long.example']
  for (const to of sent) {
    await server.send({ to })
    await empty(server, backup)
    assert.equal(long.connections(), 1, 'left out')
  }
  assert.deepEqual(recipients(backup), sent)

  const begun = Date.now()
  await server.send({ to: 'a@d.example' })
  await empty(server, backup)
  assert.equal(main.connections(), 1)
  main.script(undefined)
  while (main.taken.length === 0) {
    await server.send({ to: 'd@d.example' })
    await empty(server, main, backup)
  }
  assert.ok(Date.now() - begun >= 3_000, 'not before its time')
  assert.equal(main.connections(), 2)
  await server.waitForLog(/relay main works again/)
  await server.send({ to: 'e@d.example' })
  await empty(server, main)
  assert.equal(main.taken.length, 2)
  assert.deepEqual(server.lines(BOUNCE), [])
  assert.deepEqual(server.lines(/Temp fail/), [])
})

test('last resort: an open breaker alone never delays mail, and Haraka counts the attempt', async (t) => {
  const only = await startRelay(t, { script: says('CONNECT', '421 not now') })
  const server = await startHaraka(t, `* @only\n${relaySection('only', only.port, 'retry_after = 1h')}`)
  await server.send({ to: 'a@d.example' })
  await server.waitForLog(/Temp failing .* for 5 seconds: Tried all MXs/)
  await server.waitFor(() => counted(server).join() === '1', 'one attempt counted')
  only.script(undefined)
  flush(server)
  await server.send({ to: 'b@d.example' })
  await empty(server, only)
  assert.deepEqual(recipients(only), ['a@d.example', 'b@d.example'])
  assert.equal(server.lines(/every exchange is left out, relay only is tried as a last resort/).length, 1)
  assert.deepEqual(server.lines(BOUNCE), [])
})

test('replies about the recipient do not open the breaker: 550 at RCPT bounces, 451 is counted and deferred', async (t) => {
  const tries = new Map<string, number>()
  const main = await startRelay(t, {
    script: (verb, rest) => {
      if (verb !== 'RCPT') return undefined
      const times = (tries.get(rest) ?? 0) + 1
      tries.set(rest, times)
      if (rest.includes('unknown@')) return '550 5.1.1 no such user'
      return rest.includes('later@') && times === 1 ? '451 4.2.1 later' : undefined
    },
  })
  const backup = await startRelay(t)
  const server = await startHaraka(
    t,
    `d.example @main $priority:1\nd.example @backup $priority:2\nclient.example @backup\n${relaySection('main', main.port)}${relaySection('backup', backup.port)}`,
  )
  await server.send({ to: ['unknown@d.example', 'later@d.example', 'fine@d.example'] })
  await server.waitFor(
    () => recipients(main).length === 1 && counted(server).join() === '1',
    'one taken, one deferred',
    [main],
  )
  flush(server)
  await empty(server, main, backup)
  assert.deepEqual(recipients(main), ['fine@d.example', 'later@d.example'])
  assert.deepEqual(
    recipients(backup),
    ['sender@client.example'],
    'one report, and nothing else by the second route',
  )
  // Haraka 3.3.4 loses the answer of the server in the report when it splits a message.
  assert.match(backup.taken[0]!.data, /Final-Recipient: rfc822;unknown@d\.example/)
  assert.deepEqual(server.lines(/is left out/), [])
})
