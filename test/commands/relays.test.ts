import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { exchangeKey } from '../../lib/model/exchange'
import { systemClock } from '../../lib/relays/clock'
import { isRefusal } from '../../lib/relays/types'
import { openStateFolder, prepareStateFolder, STATE_FOLDER } from '../../lib/relays/state-folder'
import { atOnce, localRelayState } from '../support/relay-state'
import { relayExchange } from '../support/servers'
import { run } from './terminal'

const FILE = `
* @isp
[relay:isp]
host = smtp.isp.example
port = 587
max_connections = 5
max_per_hour = 300
[relay:Spare]
host = spare.example
`

const isp = relayExchange({ name: 'isp', host: 'smtp.isp.example', port: 587, maxPerHour: 300 })
const inline = relayExchange({ host: 'inline.example' })

const quiet = () => {}

function setup(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-relays-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'config'))
  writeFileSync(join(folder, 'config', 'dns_overrides.ini'), FILE)
  return {
    folder,
    state: join(folder, STATE_FOLDER),
    relays: (...words: string[]) => run(['relays', ...words], { env: { HARAKA: folder }, now: Date.now }),
  }
}

const holdFiles = (state: string) => readdirSync(state).filter((file) => file.startsWith('hold.'))

/** What a worker of a running server does with the folder. */
function startWorker(t: TestContext, state: string) {
  prepareStateFolder(state)
  const worker = localRelayState({
    clock: systemClock(),
    folder: openStateFolder({ path: state, now: Date.now, warn: quiet }),
  })
  t.after(() => worker.close())
  return worker
}

test('without a running server: the relays of the file, and that no server runs', async (t) => {
  const { relays, state } = setup(t)
  const { status, out, err } = await relays()
  assert.equal(status, 0)
  assert.equal(
    out,
    [
      '@isp  smtp.isp.example:587  in use',
      '    connections 0 of 5, sent in the last hour 0 of 300',
      '@Spare  spare.example:25  in use',
      '    connections 0, sent in the last hour 0',
      '',
    ].join('\n'),
  )
  assert.equal(err, `no server runs that writes to ${state}\n`)
})

test('what a worker knows is shown', async (t) => {
  const { relays, state } = setup(t)
  prepareStateFolder(state)
  const worker = startWorker(t, state)
  for (const [exchange, failed] of [
    [isp, false],
    [inline, true],
  ] as const) {
    const lease = atOnce(worker.acquire(exchange))
    assert.ok(!isRefusal(lease))
    if (failed) lease.reportFailure({ kind: 'connect', message: 'connection refused' })
    lease.end(!failed)
  }
  worker.close()
  const { out, err } = await relays()
  assert.match(
    out,
    /^@isp {2}smtp\.isp\.example:587 {2}in use\n {4}connections 0 of 5, sent in the last hour 1 of 300$/m,
  )
  assert.match(out, /^inline\.example:25 {2}left out for (60|59) s, after 1 failure: connection refused$/m)
  assert.equal(err, '')
  const json = JSON.parse((await relays('--json')).out) as {
    workers: number[]
    relays: { key: string; breaker: string }[]
  }
  assert.deepEqual(json.workers, [process.pid])
  assert.deepEqual(
    json.relays.map(({ key, breaker }) => [key, breaker]),
    [
      [exchangeKey(isp), 'closed'],
      ['spare.example:25', 'closed'],
      [exchangeKey(inline), 'open'],
    ],
  )
})

test('--hold and --resume, by name whatever its case', async (t) => {
  const { relays, state } = setup(t)
  startWorker(t, state)
  const held = await relays('--hold', '@spare')
  assert.equal(held.status, 0)
  assert.match(held.err, /^@Spare held: no mail goes to it until it is resumed$/m)
  assert.match(held.out, /^@Spare {2}spare\.example:25 {2}held by hand$/m)
  assert.deepEqual(holdFiles(state), ['hold.Spare'])
  assert.match((await relays('--hold', 'Spare')).err, /^@Spare was held already$/m)
  assert.match((await relays('--resume', 'Spare')).err, /^@Spare resumed$/m)
  assert.match((await relays('--resume', 'Spare')).err, /^@Spare was not held$/m)
  assert.deepEqual(holdFiles(state), [])
})

test('a relay that is no longer in the file can still be resumed', async (t) => {
  const { relays, state } = setup(t)
  prepareStateFolder(state)
  writeFileSync(join(state, 'hold.gone'), '')
  assert.match((await relays('--resume', 'gone')).err, /^@gone resumed$/m)
})

test('wrong use', async (t) => {
  const { relays } = setup(t)
  for (const [words, message] of [
    [['--hold', 'ips'], 'relays: --hold takes the name of a relay, not "ips"; did you mean isp?'],
    [
      ['--resume', 'nowhere'],
      'relays: --resume takes the name of a relay, not "nowhere"; there are isp, Spare',
    ],
    [['--hold', 'isp', '--resume', 'isp'], 'relays: --hold or --resume, not both'],
  ] as const) {
    const { status, err } = await relays(...words)
    assert.equal(status, 64)
    assert.equal(err, `dns-overrides: ${message} (see dns-overrides help relays)\n`)
  }
})

test('a folder that cannot be written is one line', async (t) => {
  const { relays, state } = setup(t)
  writeFileSync(state, 'a file in its place')
  const { status, err } = await relays('--hold', 'isp')
  assert.equal(status, 70)
  assert.match(err, /^dns-overrides: cannot hold @isp: [^\n]+ is not a folder\n$/)
})
