import assert from 'node:assert/strict'
import { mock, test, type TestContext } from 'node:test'
import { isPlace, LimitedPlaces, type NoPlace, type Place } from '../../lib/relays/limited-places'
import { LocalLimits } from '../../lib/relays/local-limits'
import { testClock } from '../support/relay-state'

const one = { key: 'isp', maxConnections: 1 }

function setup(t: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const clock = testClock()
  const service = new LocalLimits({ monotonic: clock.monotonic })
  const places = new LimitedPlaces({ service, monotonic: clock.monotonic })
  const pass = (ms: number) => {
    clock.pass(ms)
    mock.timers.tick(ms)
  }
  return { places, pass, used: () => service.arbiter.status()[0]?.connections }
}

const turn = () => new Promise((done) => setImmediate(done))

function taken(answer: Place | NoPlace | Promise<Place | NoPlace>): Place {
  assert.ok(!(answer instanceof Promise) && isPlace(answer))
  return answer
}

test('a place is kept for the message that was woken, for a limited time', async (t) => {
  const { places, used } = setup(t)
  const place = taken(places.take(one))
  let woken = 0
  places.whenFree(one, () => woken++, false)
  await turn()
  place.giveBack(true)
  assert.equal(woken, 1)
  assert.equal(used(), 1, 'kept')
  mock.timers.tick(5_000)
  assert.equal(used(), 0, 'nobody came for it')
  taken(places.take(one))
})

test('the next message is woken if the first does not take its place', async (t) => {
  const { places } = setup(t)
  const place = taken(places.take(one))
  const woken: string[] = []
  places.whenFree(one, () => woken.push('a'), false)
  places.whenFree(one, () => woken.push('b'), false)
  await turn()
  place.giveBack(true)
  mock.timers.tick(5_000)
  assert.deepEqual(woken, ['a', 'b'])
})

test('a free place wakes a message after the call has returned, and one that left is not woken', async (t) => {
  const { places, used } = setup(t)
  const woken: string[] = []
  places.whenFree(one, () => woken.push('a'), false)
  assert.equal(woken.length, 0)
  await turn()
  assert.deepEqual(woken, ['a'])
  taken(places.take(one)).giveBack(false)
  const leave = places.whenFree(one, () => woken.push('b'), false)
  leave()
  await turn()
  assert.deepEqual(woken, ['a'])
  assert.equal(used(), 0)
})

test('close gives back the places that are kept', async (t) => {
  const { places, used } = setup(t)
  places.whenFree(one, () => {}, false)
  await turn()
  assert.equal(used(), 1)
  places.close()
  assert.equal(used(), 0)
})

test('those that wait for a quota are woken when messages of an hour ago no longer count, at most 100 at once', async (t) => {
  const { places, pass } = setup(t)
  const hourly = { key: 'isp', maxPerHour: 250 }
  for (let i = 0; i < 250; i++) taken(places.take(hourly)).giveBack(true)
  let woken = 0
  for (let i = 0; i < 300; i++) places.whenFree(hourly, () => woken++, false)
  await turn()
  assert.equal(woken, 0)
  pass(3_599_000)
  assert.equal(woken, 0)
  pass(15_000)
  assert.equal(woken, 100)
  for (let i = 0; i < 250; i++) taken(places.take(hourly)).giveBack(true)
  assert.equal(woken, 250)
})
