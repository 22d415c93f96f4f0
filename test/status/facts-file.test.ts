import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { LineHits } from '../../lib/status/counts'
import { Collector } from '../../lib/status/collector'
import { finishInSteps } from '../../lib/model/steps'
import { FactsFile, readFactsFile, visitHits } from '../../lib/status/facts-file'
import { Recorder } from '../../lib/status/recorder'
import { decidedBy, IDLE_VIEW } from '../support/decided'
import { readHits } from '../support/line-hits'
import { configure } from '../support/rules'

const NOW = Date.UTC(2026, 4, 17, 12)
const { rules } = configure('* 192.0.2.1')

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'dns-overrides-facts-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function open(path: string, warn: (message: string) => void = assert.fail) {
  const collector = new Collector({ pid: process.pid, now: () => NOW })
  return { collector, file: new FactsFile({ folder: path, collector, warn }) }
}

test('reads facts and hits from the folder of a running server', (t) => {
  const path = folder(t)
  assert.equal(readFactsFile(path, NOW), undefined, 'no server yet')
  const { collector, file } = open(path)
  assert.equal(readFactsFile(path, NOW)?.counts.size, 0)
  const worker = new Recorder({ pid: 7, now: () => NOW })
  worker.recordTry(
    worker.recordDecision('A.1', decidedBy(configure('* 192.0.2.1'), 'example.com'), {
      rules,
      milliseconds: 1,
    }),
  )
  collector.add(worker.take(IDLE_VIEW))
  file.noteChange({ hits: true })
  file.close()
  assert.equal(readFactsFile(path, NOW)?.counts.get('decisions overrides try'), 1)
  assert.deepEqual([...readHits(path).values()], [{ count: 1, last: NOW }])
  assert.equal(statSync(join(path, 'status.json')).mode & 0o777, 0o600)
})

test('facts of a server that is gone or silent for three minutes are ignored', (t) => {
  const path = folder(t)
  open(path).file.close()
  assert.equal(readFactsFile(path, NOW + 180_001), undefined)
  writeFileSync(join(path, 'status.json'), JSON.stringify({ pid: 2 ** 22 + 1, updated: NOW }))
  assert.equal(readFactsFile(path, NOW), undefined)
  writeFileSync(join(path, 'status.json'), 'half a f')
  assert.equal(readFactsFile(path, NOW), undefined)
  assert.equal(readFactsFile(join(path, 'absent'), NOW), undefined)
  assert.equal(readHits(join(path, 'absent')).size, 0)
})

test('a link in place of the file is not followed', (t) => {
  const path = folder(t)
  writeFileSync(join(path, 'elsewhere'), JSON.stringify({ pid: process.pid, updated: NOW }))
  symlinkSync(join(path, 'elsewhere'), join(path, 'status.json'))
  assert.throws(() => readFactsFile(path, NOW), /ELOOP|link/)
})

test('hits of 100,000 lines are read in steps, and malformed lines are ignored', async (t) => {
  const path = folder(t)
  const lines = Array.from({ length: 100_000 }, (_, i) => `${i.toString(16).padStart(16, '0')} ${i} ${NOW}`)
  writeFileSync(join(path, 'rule-hits'), ['not a line', ...lines, `${'f'.repeat(16)} 7`].join('\n'))
  let turns = 0
  const timer = setInterval(() => turns++, 0)
  const hits = new Map<string, LineHits>()
  await finishInSteps(visitHits(path, (key, count, last) => void hits.set(key, { count, last })))
  clearInterval(timer)
  assert.equal(hits.size, 100_000)
  assert.deepEqual(hits.get('0000000000000010'), { count: 16, last: NOW })
  assert.ok(turns > 0, 'others had their turn meanwhile')
  assert.deepEqual(readHits(path), hits)
})

test('a folder that cannot be written to is one warning', (t) => {
  const path = folder(t)
  const warnings: string[] = []
  const { file } = open(join(path, 'absent'), (message) => warnings.push(message))
  file.noteChange({ hits: true })
  file.close()
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]!, /^the status cannot be written: ENOENT/)
})
