import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { holdRelay, NoServerError, resumeRelay } from '../../lib/relays/hold-by-hand'
import { readHolds, writeHold } from '../../lib/relays/holds'
import { openStateFolder } from '../../lib/relays/state-folder'
import { livingPid } from '../support/processes'

function setup(t: TestContext) {
  const base = mkdtempSync(join(tmpdir(), 'dns-overrides-hold-'))
  t.after(() => rmSync(base, { recursive: true, force: true }))
  const folder = join(base, 'state')
  mkdirSync(folder, { mode: 0o700 })
  /** This process is a worker of a server that uses the folder. */
  const startWorker = () => {
    const worker = openStateFolder({ path: folder, now: Date.now, warn: () => {} })
    t.after(() => worker.close())
    worker.publish(
      () => ({ role: 'worker', servers: [], holds: worker.holds() }),
      () => {},
    )
    return worker
  }
  return { folder, startWorker, options: { folder, now: Date.now } }
}

test('a hold is confirmed by the workers that report it, and so is its removal', async (t) => {
  const { startWorker, options } = setup(t)
  const worker = startWorker()
  const confirmed = { changed: true, confirmedBy: [process.pid], missing: [] }
  assert.deepEqual(await holdRelay({ name: 'isp' }, options), confirmed)
  assert.notEqual(worker.holdOf('isp'), undefined)
  assert.deepEqual(await holdRelay({ name: 'isp' }, options), { ...confirmed, changed: false })
  const until = Date.now() + 60_000
  assert.deepEqual(await holdRelay({ name: 'isp', reason: 'maintenance', until }, options), confirmed)
  const { since: _since, ...hold } = worker.holdOf('isp')!
  assert.deepEqual(hold, { name: 'isp', reason: 'maintenance', until })
  assert.deepEqual(await resumeRelay('isp', options), confirmed)
  assert.equal(worker.holdOf('isp'), undefined)
  assert.deepEqual(await resumeRelay('isp', options), { ...confirmed, changed: false })
})

test('a worker that does not report the hold is named', async (t) => {
  const { folder, startWorker, options } = setup(t)
  startWorker()
  const deaf = await livingPid(t)
  writeFileSync(join(folder, `${deaf}.json`), JSON.stringify({ updated: Date.now(), servers: [], holds: [] }))
  assert.deepEqual(await holdRelay({ name: 'isp' }, { ...options, patienceMs: 3_000 }), {
    changed: true,
    confirmedBy: [process.pid],
    missing: [deaf],
  })
})

test('without a running server nothing can be held, but the file of a hold can be removed', async (t) => {
  const { folder, options } = setup(t)
  await assert.rejects(holdRelay({ name: 'isp' }, options), NoServerError)
  assert.equal(readHolds(folder, Date.now()).size, 0)
  writeHold(folder, { name: 'isp', since: 1 })
  assert.deepEqual(await resumeRelay('isp', options), { changed: true, confirmedBy: [], missing: [] })
  await assert.rejects(holdRelay({ name: 'isp' }, { ...options, folder: `${folder}.absent` }), NoServerError)
})

test('a master process without workers is not a running server', async (t) => {
  const { folder, options } = setup(t)
  const snapshot = { role: 'master', updated: Date.now(), servers: [], holds: [] }
  writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(snapshot))
  await assert.rejects(holdRelay({ name: 'isp' }, options), NoServerError)
})
