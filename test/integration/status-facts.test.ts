import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { STATE_FOLDER } from '../../lib/relays/state-folder'
import { hashLine } from '../../lib/haraka-files/notes'
import { countKey, COUNTS } from '../../lib/status/counts'
import type { Facts } from '../../lib/status/facts'
import { readFactsFile } from '../../lib/status/facts-file'
import { readHits } from '../support/line-hits'
import { HarakaServer } from '../support/haraka-server'
import { startSink } from '../support/smtp-sink'
import { every } from '../support/status-server'

// What a running server reports of itself, whichever worker has done it.

const SENT = 30

for (const nodes of [0, 3]) {
  test(`${nodes === 0 ? 'one process' : `${nodes} workers`}: decisions, hits, connections and the file in force add up`, async (t) => {
    const sink = await startSink()
    t.after(() => sink.close())
    const line = 'example.com @isp $end'
    const haraka = await HarakaServer.start({
      nodes,
      overrides: `${line}\n* 127.0.0.1:1\n[relay:isp]\nhost = 127.0.0.1\nport = ${sink.port}\n`,
    })
    t.after(() => haraka.close())
    const folder = join(haraka.folder, STATE_FOLDER)
    for (let i = 0; i < SENT; i++) await haraka.send({ from: 'a@here.example', to: `u${i}@example.com` })
    await haraka.send({ from: 'a@here.example', to: 'u@elsewhere.example' })

    let facts: Facts | undefined
    const counted = (name: string, ...labels: string[]) => facts?.counts.get(countKey(name, ...labels)) ?? 0
    await haraka.waitFor(
      () => {
        facts = readFactsFile(folder, Date.now())
        return (
          counted(COUNTS.connections, 'isp', 'delivered') === SENT &&
          counted(COUNTS.connections, '127.0.0.1:1', 'connect') === 1 &&
          readHits(folder).get(hashLine(line))?.count === SENT
        )
      },
      'the facts',
      [every(100)],
    )
    assert.equal(counted(COUNTS.decisions, 'overrides', 'try'), SENT + 1)
    assert.equal(counted(COUNTS.reloads, 'good'), Math.max(1, nodes))
    assert.equal(facts!.workers.length, Math.max(1, nodes))
    for (const { inForce, queue } of facts!.workers) {
      assert.equal(inForce?.lines, 2)
      assert.ok(queue.threads > 0)
    }
    const decision = facts!.decisions.find(({ recipients }) => recipients.includes('u0@example.com'))!
    assert.match(decision.id, /^[0-9A-F-]{36}\.1/)
    assert.deepEqual(
      [decision.sender, decision.lines, decision.action, decision.exchanges, decision.end?.delivered],
      ['a@here.example', [1], 'try', ['relay isp'], true],
    )
    const failed = facts!.decisions.find(({ domain }) => domain === 'elsewhere.example')!
    assert.deepEqual(
      failed.end?.connections.map(({ server, failed: word }) => [server, word]),
      [['127.0.0.1:1', 'connect']],
    )
  })
}
