import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { LimitWorld, type WorldHost } from './limit-world'

/** A host, and so many others, that know of each other; each has its slice. */
export async function startWorld(
  t: TestContext,
  others: number,
): Promise<[LimitWorld, WorldHost, ...WorldHost[]]> {
  const world = await LimitWorld.start(t)
  const first = await world.join()
  const rest: WorldHost[] = []
  while (rest.length < others) rest.push(await world.join())
  await world.pass(15_000, 500)
  for (const { shared } of world.hosts) assert.ok(shared.isSettled && shared.hosts === others + 1)
  return [world, first, ...rest]
}

export async function startPair(t: TestContext): Promise<[LimitWorld, WorldHost, WorldHost]> {
  const [world, a, b] = await startWorld(t, 1)
  assert.ok(b !== undefined)
  return [world, a, b]
}
