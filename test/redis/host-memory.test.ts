import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openHostMemory, type RememberedHosts } from '../../lib/redis/host-memory'
import { NO_SLICE, WHOLE } from '../../lib/redis/host-share'
import { type TestClock, testClock } from '../support/relay-state'

const HOUR = 3_600_000

const other = { id: 'A'.repeat(22), isKept: true }
const two: RememberedHosts = {
  slice: { begin: 0, end: WHOLE / 2 },
  known: [other],
  had: new Map([['isp', 7]]),
}
const alone: RememberedHosts = { slice: { begin: 0, end: WHOLE }, known: [], had: new Map() }

function setup(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'host-memory-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const clock = testClock()
  const open = (options: { readonly clock?: TestClock; readonly machine?: string } = {}) =>
    openHostMemory({ folder, clock, machine: 'here', ...options })
  return { clock, open, file: join(folder, 'host-share') }
}

test('a host remembers its slice and the other hosts, and for half an hour what it might use', (t) => {
  const { clock, open, file } = setup(t)
  assert.equal(open().read(), undefined, 'it has never reached Redis')
  open().write(two)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  clock.setWall(0)
  assert.deepEqual(open().read(), two)
  clock.pass(HOUR)
  assert.deepEqual(open().read(), { ...two, had: new Map() })
})

test('after a day it remembers only the other hosts, or nothing if there were none', (t) => {
  const { clock, open } = setup(t)
  open().write(two)
  clock.pass(24 * HOUR)
  assert.deepEqual(open().read(), { slice: NO_SLICE, known: [other], had: new Map() })
  open().write(alone)
  clock.pass(24 * HOUR)
  assert.equal(open().read(), undefined)
})

test('after a boot the wall clock is used, and nothing is remembered if it was set back', (t) => {
  const { clock, open } = setup(t)
  open().write(two)
  const later = testClock(clock.wall() + HOUR, 'another boot')
  assert.deepEqual(open({ clock: later }).read()?.slice, two.slice)
  const earlier = testClock(clock.wall() - HOUR, 'another boot')
  assert.deepEqual(open({ clock: earlier }).read()?.slice, NO_SLICE)
})

test('on another machine or from a damaged file it has no slice', (t) => {
  const { open, file } = setup(t)
  open().write(alone)
  const nothing = { slice: NO_SLICE, known: [], had: new Map() }
  assert.deepEqual(open({ machine: 'a copy' }).read(), nothing)
  const good = readFileSync(file, 'utf8')
  for (const text of ['', 'rubbish', '[]', 'null', good.replace('"version":1', '"version":2')]) {
    writeFileSync(file, text)
    assert.deepEqual(open().read(), nothing, text)
  }
  for (const text of [
    good.replace(/"end":\d+/, '"end":99999999'),
    good.replace(/"begin":\d+/, '"begin":"x"'),
    good.replace('"known":[]', '"known":[5,{"id":"short"}]').replace('"had":[]', '"had":[5,["isp",-1]]'),
  ]) {
    writeFileSync(file, text)
    assert.deepEqual(open().read()?.known, [])
    assert.deepEqual(open().read()?.had, new Map())
  }
})

test('the machine always has the same name', (t) => {
  const { clock, file } = setup(t)
  const folder = join(file, '..')
  openHostMemory({ folder, clock }).write(two)
  assert.deepEqual(openHostMemory({ folder, clock }).read(), two)
})
