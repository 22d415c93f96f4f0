import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { hashLine } from '../../lib/haraka-files/notes'
import { STATE_FOLDER } from '../../lib/relays/state-folder'
import { COUNTS, countKey } from '../../lib/status/counts'
import type { Facts } from '../../lib/status/facts'
import { readFactsFile } from '../../lib/status/facts-file'
import { runProcess } from '../support/cli'
import { HarakaServer } from '../support/haraka-server'
import { readHits } from '../support/line-hits'
import { startSink } from '../support/smtp-sink'
import { every } from '../support/status-server'

// What three workers count is one sum, also after one of them was killed.

const LINE = 'example.com @isp $end'
const HITS = (count: number) => new RegExp(`^ *1 +${count} .*example\\.com @isp`, 'm')
const OVERRIDES = (port: number) =>
  `${LINE}\nnever.example @isp $end\n[relay:isp]\nhost = 127.0.0.1\nport = ${port}\n`

test('dns-overrides rules adds up the hits of all workers, including one that was killed', async (t) => {
  const sink = await startSink()
  t.after(() => sink.close())
  const haraka = await HarakaServer.start({ nodes: 3, overrides: OVERRIDES(sink.port) })
  t.after(() => haraka.close())
  const folder = join(haraka.folder, STATE_FOLDER)
  const delivered = countKey(COUNTS.connections, 'isp', 'delivered')
  const factsWhen = async (what: string, isWanted: (facts: Facts) => boolean): Promise<Facts> => {
    let facts: Facts | undefined
    await haraka.waitFor(
      () => {
        facts = readFactsFile(folder, Date.now())
        return facts !== undefined && isWanted(facts)
      },
      what,
      [every(100)],
    )
    return facts!
  }
  const isCounted = (count: number) => (facts: Facts) =>
    facts.counts.get(delivered) === count &&
    facts.workers.length === 3 &&
    facts.workers.every(({ inForce }) => inForce)

  for (let i = 0; i < 9; i++) await haraka.send({ from: 'a@here.example', to: `u${i}@example.com` })
  const before = await factsWhen('nine deliveries of three workers', isCounted(9))
  assert.match(await rulesWhen(haraka, 9), HITS(9))

  const killed = before.workers[0]!.pid
  process.kill(killed, 'SIGKILL')
  const after = await factsWhen(
    'a worker in its place',
    ({ workers }) => workers.length === 3 && workers.every(({ pid, inForce }) => pid !== killed && inForce),
  )
  assert.equal(after.counts.get(delivered), 9, 'what it had counted is kept')
  assert.equal(after.started, before.started)

  for (let i = 0; i < 6; i++) await haraka.send({ from: 'a@here.example', to: `v${i}@example.com` })
  await factsWhen('six more', isCounted(15))
  const text = await rulesWhen(haraka, 15)
  assert.match(text, HITS(15))
  assert.match(text, /is in force since .* and has not changed since/)
  assert.match(text, /never hit/i)
})

/** What the command prints, as soon as so many hits of the first line are written. */
async function rulesWhen(haraka: HarakaServer, hits: number): Promise<string> {
  const folder = join(haraka.folder, STATE_FOLDER)
  await haraka.waitFor(() => readHits(folder).get(hashLine(LINE))?.count === hits, `${hits} hits`, [
    every(100),
  ])
  return (await runProcess(['rules'], { cwd: haraka.folder })).out
}
