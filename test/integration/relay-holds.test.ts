import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../commands/terminal'
import {
  startRelay,
  startHaraka,
  relaySection,
  recipients,
  counted,
  empty,
  BOUNCE,
} from '../support/relay-haraka'

test('hold and resume by command work at once in every worker and over a restart, uncounted', async (t) => {
  const main = await startRelay(t)
  const backup = await startRelay(t)
  const server = await startHaraka(
    t,
    `d.example @main $priority:1\nd.example @backup $priority:2\nonly.example @main\n${relaySection('main', main.port)}${relaySection('backup', backup.port)}`,
    { nodes: 2, loglevel: 'DEBUG' },
  )
  const relays = (...words: string[]) =>
    run(['relays', ...words], { env: { HARAKA: server.folder }, now: Date.now })
  const { workers } = JSON.parse((await relays('--json')).out) as { workers: number[] }
  assert.equal(workers.length, 2)

  assert.equal((await relays('--hold', 'main')).status, 0)
  await server.waitFor(() => server.lines(/relays held by hand: main/).length === 2, 'both workers know')
  for (const to of ['a@d.example', 'b@d.example', 'c@d.example', 'd@d.example']) await server.send({ to })
  await empty(server, backup)
  assert.deepEqual(recipients(backup), ['a@d.example', 'b@d.example', 'c@d.example', 'd@d.example'])
  assert.equal(main.connections(), 0)

  await server.kill9()
  await server.restart()
  await server.send({ to: 'e@only.example' })
  const waits = /waiting 5 s, not counted as an attempt: relay main is held by hand/
  await server.waitFor(() => server.lines(waits).length === 2, 'it has looked')
  assert.deepEqual(
    server.lines(waits).map((line) => /\[(NOTICE|DEBUG)\]/.exec(line)?.[1]),
    ['NOTICE', 'DEBUG'],
  )
  assert.deepEqual(counted(server), [0])
  // By itself: nobody flushes the queue.
  assert.equal((await relays('--resume', 'main')).status, 0)
  await empty(server, main)
  assert.deepEqual(recipients(main), ['e@only.example'])
  assert.deepEqual(server.lines(BOUNCE), [])
})

test('a message that waits for a held relay is routed again when an edit removes the relay from its line', async (t) => {
  const main = await startRelay(t)
  const backup = await startRelay(t)
  const sections = `${relaySection('main', main.port)}${relaySection('backup', backup.port)}`
  const server = await startHaraka(t, `* @main\n${sections}`, { outbound: ['temp_fail_intervals=10m*20'] })
  const hold = ['relays', '--hold', 'main']
  assert.equal((await run(hold, { env: { HARAKA: server.folder }, now: Date.now })).status, 0)
  for (const to of ['a@d.example', 'b@d.example']) await server.send({ to })
  await server.waitFor(
    () => server.lines(/waiting 60 s, not counted as an attempt: relay main is held by hand/).length === 2,
    'both wait',
  )
  server.write('config/dns_overrides.ini', `* @backup\n${sections}`)
  await empty(server, backup)
  assert.deepEqual(recipients(backup), ['a@d.example', 'b@d.example'])
  assert.equal(main.connections(), 0)
})
