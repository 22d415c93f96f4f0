import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../commands/terminal'
import { startRelay, startHaraka, relaySection, recipients, counted, empty } from '../support/relay-haraka'

test('max_connections is kept over all workers, and more messages use the next route', async (t) => {
  const pauses: (() => void)[] = []
  const main = await startRelay(t, {
    pause: (verb) => (verb === '.' ? new Promise((go) => pauses.push(go)) : undefined),
  })
  const backup = await startRelay(t)
  const server = await startHaraka(
    t,
    `* @main $priority:1\n* @backup $priority:2\n${relaySection('main', main.port, 'max_connections = 2')}${relaySection('backup', backup.port)}`,
  )
  const all = Array.from({ length: 6 }, (_, i) => `u${i}@d.example`)
  for (const to of all) await server.send({ to })
  await server.waitFor(() => pauses.length === 2 && backup.taken.length === 4, 'two here, four there', [
    main,
    backup,
  ])
  for (const go of pauses) go()
  await empty(server, main, backup)
  assert.equal(main.most(), 2)
  assert.deepEqual(recipients(main, backup), all)
})

test('max_connections without another route: the messages wait for a connection and are all delivered', async (t) => {
  const main = await startRelay(t)
  const server = await startHaraka(t, `* @main\n${relaySection('main', main.port, 'max_connections = 2')}`, {
    nodes: 2,
  })
  const all = Array.from({ length: 40 }, (_, i) => `u${String(i).padStart(2, '0')}@d.example`)
  await Promise.all(all.map((to) => server.send({ to })))
  await empty(server, main)
  assert.ok(main.most() <= 2, `${main.most()} at once`)
  assert.deepEqual(recipients(main), all)
  assert.deepEqual(server.lines(/Temp fail/), [])
})

test('max_per_hour is kept over a crash, and more messages use the next route or wait', async (t) => {
  const main = await startRelay(t)
  const backup = await startRelay(t)
  const server = await startHaraka(
    t,
    `d.example @main $priority:1\nd.example @backup $priority:2\nonly.example @main\n${relaySection('main', main.port, 'max_per_hour = 3')}${relaySection('backup', backup.port)}`,
  )
  const all = Array.from({ length: 5 }, (_, i) => `u${i}@d.example`)
  for (const to of all) {
    await server.send({ to })
    await empty(server, main, backup)
  }
  assert.deepEqual(recipients(main), all.slice(0, 3))
  assert.deepEqual(recipients(backup), all.slice(3))
  await server.send({ to: 'waits@only.example' })
  await server.waitForLog(/not counted as an attempt: relay main has reached its max_per_hour of 3/)
  let status = ''
  const patience = Date.now() + 120_000
  while (!status.includes('sent in the last hour 3 of 3')) {
    assert.ok(Date.now() < patience, status)
    status = (await run(['relays'], { env: { HARAKA: server.folder }, now: Date.now })).out
    await new Promise((done) => setImmediate(done))
  }
  await server.kill9()
  const mark = server.mark()
  await server.restart()
  await server.waitForLog(/not counted as an attempt: relay main has reached its max_per_hour of 3/, mark)
  assert.deepEqual(counted(server), [0])
  assert.equal(main.taken.length, 3)
})
