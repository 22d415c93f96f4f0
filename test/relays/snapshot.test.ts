import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readSnapshots } from '../../lib/relays/snapshot'
import { deadPid } from '../support/processes'

const T = 1_750_000_000_000

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-snapshots-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const server = {
  key: 'fred@a.example:25',
  name: 'a',
  breaker: 'open',
  failures: 2,
  lastFailure: 'refused',
  retryAt: T + 5,
  held: false,
  connections: 1,
  waiting: 3,
  sentLastHour: 4,
}

test('snapshots of living processes are read', async (t) => {
  const folder = temporary(t)
  const snapshot = {
    role: 'worker',
    updated: T,
    servers: [server, { ...server, terms: '[direct:ms]' }],
    holds: [{ name: 'a', since: T }],
    limits: [{ key: 'a', connections: 1, sentLastHour: 2 }],
  }
  const text = JSON.stringify(snapshot)
  writeFileSync(join(folder, `${process.pid}.json`), text)
  writeFileSync(join(folder, `${await deadPid()}.json`), text)
  writeFileSync(join(folder, `new.${process.pid}.json`), text)
  assert.deepEqual(readSnapshots(folder, T), [{ ...snapshot, pid: process.pid }])
  assert.equal(readSnapshots(folder, T + 179_000).length, 1)
  assert.equal(readSnapshots(folder, T + 181_000).length, 0, 'another process has its id')
  assert.equal(readdirSync(folder).length, 3, 'reading removes nothing')
})

test('foreign content is left out field by field', (t) => {
  const folder = temporary(t)
  const file = join(folder, `${process.pid}.json`)
  const wrong: unknown[] = [
    null,
    5,
    'text',
    [],
    {},
    { updated: null },
    { updated: '1' },
    { updated: Number.MAX_VALUE },
    { updated: -1 },
  ]
  for (const value of wrong) {
    writeFileSync(file, JSON.stringify(value))
    assert.deepEqual(readSnapshots(folder, T), [], JSON.stringify(value))
  }
  const servers = [
    null,
    5,
    [],
    {},
    ...Object.keys(server)
      .filter((field) => !['name', 'lastFailure', 'retryAt', 'waiting'].includes(field))
      .map((field) => ({ ...server, [field]: null })),
    { ...server, breaker: 'ajar' },
    { ...server, connections: -1 },
    { ...server, key: 'k\u001b[2J\u202e', name: 7, lastFailure: 'x'.repeat(10_000), retryAt: 'soon' },
  ]
  const holds = [null, {}, { name: 'a', since: '1' }, { name: 'b', since: 1 }]
  const limits = [null, { key: 'a' }, { key: 'a', connections: Infinity, sentLastHour: 1 }]
  writeFileSync(file, JSON.stringify({ updated: T, servers, holds, limits }))
  const { name: _name, retryAt: _retryAt, ...rest } = server
  assert.deepEqual(readSnapshots(folder, T), [
    {
      pid: process.pid,
      updated: T,
      role: 'worker',
      servers: [{ ...rest, key: 'k\ufffd[2J\ufffd', lastFailure: `${'x'.repeat(500)}...` }],
      holds: [{ name: 'b', since: 1 }],
      limits: [],
    },
  ])
})

test('a link is not followed, a FIFO not waited for, and a long file not read', (t) => {
  const folder = temporary(t)
  const file = join(folder, `${process.pid}.json`)
  symlinkSync('/dev/zero', file)
  assert.deepEqual(readSnapshots(folder, T), [])
  rmSync(file)
  execFileSync('mkfifo', [file])
  assert.deepEqual(readSnapshots(folder, T), [])
  const link = `${folder}.link`
  symlinkSync(folder, link)
  t.after(() => rmSync(link))
  assert.throws(() => readSnapshots(link, T), /is a link, which is not followed/)
  assert.deepEqual(readSnapshots(`${folder}.absent`, T), [])
})
