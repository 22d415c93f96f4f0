import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { LimitArbiter } from '../../lib/relays/limit-arbiter'
import { openQuotaJournal } from '../../lib/relays/quota-journal'
import { testClock, type TestClock } from '../support/relay-state'

const HOUR = 3_600_000
const limits = { key: 'isp', maxPerHour: 100 }

function setup(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-journal-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const warnings: string[] = []
  /** A server that starts. It is never closed in order: as if it were killed. */
  const start = (clock: TestClock, rewriteBytes = 1_000_000) => {
    const journal = openQuotaJournal({
      folder,
      clock,
      warn: (message) => warnings.push(message),
      rewriteBytes,
    })
    t.after(() => journal.close())
    const arbiter = new LimitArbiter<'worker'>({ monotonic: clock.monotonic, offer: () => {}, journal })
    const begin = () => {
      const answer = arbiter.ask('worker', limits)
      assert.ok(answer.granted)
      return answer.place
    }
    return {
      begin,
      end: (place: number, sent: boolean) => arbiter.giveBack('worker', place, sent),
      send: (count: number) => {
        for (let i = 0; i < count; i++) arbiter.giveBack('worker', begin(), true)
      },
      counted: () => arbiter.status().find(({ key }) => key === 'isp')?.sentLastHour ?? 0,
    }
  }
  return { folder, file: join(folder, 'quota.journal'), warnings, start }
}

test('the hour is counted over kills, and messages in progress count as sent', (t) => {
  const { start } = setup(t)
  const clock = testClock()
  const first = start(clock)
  first.send(3)
  first.end(first.begin(), false)
  first.begin()
  clock.pass(1_800_000)
  assert.equal(start(clock).counted(), 4)
  const third = start(clock)
  assert.equal(third.counted(), 4)
  clock.pass(1_800_000 + 10_000)
  assert.equal(third.counted(), 1, 'what was under way counts from the restart')
  clock.pass(1_800_000)
  assert.equal(start(clock).counted(), 0)
})

test('setting the clock while the server is down changes nothing', (t) => {
  for (const jump of [-HOUR, HOUR, 100 * HOUR]) {
    const { start } = setup(t)
    const clock = testClock()
    start(clock).send(37)
    clock.setWall(clock.wall() + jump)
    clock.pass(60_000)
    const again = start(clock)
    assert.equal(again.counted(), 37)
    clock.pass(HOUR - 61_000)
    assert.equal(again.counted(), 37)
    clock.pass(11_000)
    assert.equal(again.counted(), 0)
  }
})

test('after a boot of the machine the wall clock gives the age', (t) => {
  const { start } = setup(t)
  const before = testClock(1_750_000_000_000)
  start(before).send(5)
  const after = testClock(1_750_000_000_000 + HOUR / 2, 'next boot')
  const server = start(after)
  assert.equal(server.counted(), 5)
  after.pass(HOUR / 2 + 20_000)
  assert.equal(server.counted(), 0)
  const past = testClock(1_750_000_000_000 - 100 * HOUR, 'a boot with a clock that is late')
  start(testClock(1_750_000_000_000 + 2 * HOUR)).send(2)
  assert.equal(start(past).counted(), 2)
})

test('torn and foreign lines do no harm', (t) => {
  const { start, file, warnings } = setup(t)
  const clock = testClock()
  start(clock).send(2)
  const junk = [
    'null',
    '5',
    '"open"',
    '[]',
    '["open"]',
    '["open",-1,"isp"]',
    '["open",1e99,"isp"]',
    '["sent","isp",null,2,3]',
    '["sent","isp",1,2,-3]',
    '["sent-by",77,1,2]',
    '["unsent",{}]',
    '["open",9',
  ]
  appendFileSync(file, junk.join('\n'))
  assert.equal(start(clock).counted(), 2)
  assert.deepEqual(warnings, [])
})

test('a long journal is rewritten without loss', (t) => {
  const { start, file } = setup(t)
  const clock = testClock()
  const server = start(clock, 500)
  const open = server.begin()
  for (let i = 0; i < 90; i++) server.send(1)
  assert.ok(statSync(file).size < 1_200)
  assert.equal(start(clock).counted(), 91)
  server.end(open, false)
})

test('the journal is private to the server, and a link or FIFO in its place is not followed or waited for', (t) => {
  const { start, file, folder, warnings } = setup(t)
  const clock = testClock()
  start(clock).send(1)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const other = join(folder, 'other')
  writeFileSync(other, 'of somebody else')
  rmSync(file)
  symlinkSync(other, file)
  const server = start(clock)
  server.send(1)
  assert.equal(readFileSync(other, 'utf8'), 'of somebody else')
  assert.equal(warnings.length, 1)
  rmSync(file)
  execFileSync('mkfifo', [file])
  assert.equal(start(clock).counted(), 0)
  assert.equal(warnings.length, 2)
})

test('while it cannot be written mail is delivered, and later everything is written', (t) => {
  const { start, folder, warnings } = setup(t)
  const clock = testClock()
  const server = start(clock, 1)
  renameSync(folder, `${folder}.away`)
  t.after(() => rmSync(`${folder}.away`, { recursive: true, force: true }))
  server.send(3)
  assert.equal(server.counted(), 3)
  assert.equal(warnings.length, 1)
  renameSync(`${folder}.away`, folder)
  server.send(1)
  assert.equal(start(clock).counted(), 4)
})
