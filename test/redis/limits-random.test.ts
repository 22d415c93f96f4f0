import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import type { Limits } from '../../lib/relays/limit-types'
import { LimitWorld, type WorldHost } from '../support/limit-world'
import { needsRedis } from '../support/redis-server'
import { randomFrom } from '../support/random'

/*
 * Two to four hosts do what comes by chance, while Redis and the hosts are killed, emptied, cut off and started again. After every
 * step no limit may be broken. RANDOM_STEPS and RANDOM_SEED in the environment make it longer, or the same as before.
 */

const STEPS = Number(process.env.RANDOM_STEPS ?? 100)
const SEED = Number(process.env.RANDOM_SEED ?? Date.now() % 1_000_000)
/** Steps with the same Redis and hosts. */
const ROUND = 200

const SECOND = 1_000
const MINUTE = 60_000

const LIMITS: readonly Limits[] = [
  { key: 'one', maxConnections: 1 },
  { key: 'three', maxConnections: 3 },
  { key: 'hour', maxPerHour: 12 },
  { key: 'both', maxConnections: 2, maxPerHour: 9 },
]

class RandomRun {
  readonly #random: () => number
  readonly #world: LimitWorld
  readonly #dead: WorldHost[] = []
  #cutAt = 0
  #saved: { at: number; restore: () => Promise<void> } | undefined
  /** What was done, for a run that fails. */
  readonly done: string[] = []

  constructor(world: LimitWorld, random: () => number) {
    this.#world = world
    this.#random = random
  }

  async run(steps: number): Promise<void> {
    for (let i = 0; i < 2; i++) await this.#join()
    for (let i = 0; i < steps; i++) await this.#step()
    await this.#end()
  }

  #chance(share: number): boolean {
    return this.#random() < share
  }

  #pick<T>(all: Iterable<T>): T | undefined {
    const list = [...all]
    return list[Math.floor(this.#random() * list.length)]
  }

  async #step(): Promise<void> {
    const world = this.#world
    const host = this.#pick(world.hosts)
    const limits = this.#pick(LIMITS)!
    const dice = this.#random()
    if (dice < 0.4 && host !== undefined) {
      this.#note(`take ${limits.key}`, host)
      await host.take(limits)
    } else if (dice < 0.5 && host !== undefined) {
      this.#note(`wait ${limits.key}`, host)
      host.wait(limits)
      await world.settle()
    } else if (dice < 0.64) {
      const message = this.#pick(world.messages)
      if (message === undefined) return
      const sent = this.#chance(0.7)
      this.#note(`end ${message.key} ${sent}`, message.host)
      message.host.end(message, sent)
      await world.settle()
    } else if (dice < 0.82) await this.#pass()
    else if (dice < 0.9) await this.#disturbRedis()
    else if (dice < 0.94) await this.#disturbCalls(host)
    else await this.#disturbHosts(host)
  }

  async #pass(): Promise<void> {
    const ms = this.#pick([
      5,
      60,
      300,
      SECOND,
      SECOND,
      5 * SECOND,
      5 * SECOND,
      40 * SECOND,
      20 * MINUTE,
      61 * MINUTE,
    ])!
    this.#note(`pass ${ms}`)
    // A host that is cut off longer than a lease is the one case that cannot be exact.
    const cut = [...this.#world.hosts].filter(({ isCut }) => isCut)
    if (cut.length > 0 && this.#world.now + ms - this.#cutAt > 20 * SECOND) {
      for (const host of cut) await host.mend()
    }
    await this.#world.pass(ms)
    if (this.#world.isUp && this.#chance(0.2)) {
      this.#note('save')
      this.#saved = { at: this.#world.now, restore: await this.#world.save() }
    }
  }

  async #disturbRedis(): Promise<void> {
    const world = this.#world
    if (!world.isUp) {
      const isEmpty = this.#chance(0.4)
      this.#note(isEmpty ? 'back, empty' : 'back')
      if (isEmpty) await world.redis.command('FLUSHALL')
      await world.redis.command('SCRIPT', 'EXISTS', 'x')
      return world.find()
    }
    const what = this.#pick(['lose', 'lose', 'flush', 'replica', 'damage'])
    this.#note(String(what))
    if (what === 'lose') world.lose()
    else if (what === 'flush') await world.redis.command('FLUSHALL')
    else if (what === 'damage') {
      const key = this.#pick(((await world.redis.command('KEYS', 'dns_overrides:*')) as string[]).sort())
      if (key !== undefined) await world.redis.command('SET', key, 'rubbish')
    } else if (this.#saved !== undefined && world.now - this.#saved.at < 2 * SECOND) {
      world.lose()
      await this.#saved.restore()
      await world.find()
    }
  }

  async #disturbCalls(host: WorldHost | undefined): Promise<void> {
    const what = this.#pick(['reply', 'late', 'run late', 'cut', 'mend'] as const)!
    this.#note(what, host)
    if (what === 'run late') await this.#world.runLate()
    else if (host === undefined) return
    else if (what === 'reply' || what === 'late') host.faults.push(what)
    else if (what === 'mend' && host.isCut) await host.mend()
    else if (what === 'cut' && ![...this.#world.hosts].some(({ isCut }) => isCut)) {
      this.#cutAt = this.#world.now
      host.cut()
    }
  }

  async #disturbHosts(host: WorldHost | undefined): Promise<void> {
    const world = this.#world
    const dead = this.#pick(this.#dead)
    if (host !== undefined && this.#chance(0.4)) {
      this.#note('kill', host)
      world.kill(host)
      // Some never come back.
      if (this.#chance(0.8)) this.#dead.push(host)
    } else if (dead !== undefined && this.#chance(0.7)) {
      this.#dead.splice(this.#dead.indexOf(dead), 1)
      const again = await world.join(dead.folder)
      this.#note('restart', again)
      if (this.#chance(0.8)) again.know(LIMITS)
    } else if (host !== undefined && world.hosts.size < 4 && this.#chance(0.2)) {
      const folder = world.newFolder()
      cpSync(host.folder, folder, { recursive: true })
      this.#note('copy', await world.join(folder))
    } else if (world.hosts.size < 4) await this.#join()
  }

  /** A host that has never reached Redis has the limits for itself: it begins while Redis is there. */
  async #join(): Promise<void> {
    const world = this.#world
    if (!world.isUp) return
    const host = await world.join()
    this.#note('join', host)
    if (this.#chance(0.8)) host.know(LIMITS)
    for (let i = 0; i < 20 && !host.shared.isShared; i++) await world.pass(50)
    assert.ok(host.shared.isShared)
  }

  /** In the end nothing of a limit is lost. */
  async #end(): Promise<void> {
    const world = this.#world
    for (const host of world.hosts) {
      if (host.isCut) await host.mend()
      host.faults.splice(0)
    }
    if (!world.isUp) await world.find()
    if (world.hosts.size === 0) await this.#join()
    // Keys that were damaged are found when they are used.
    for (const host of world.hosts) for (const limits of LIMITS) await host.take(limits)
    await world.pass(3 * 61 * MINUTE)
    for (const { key, maxConnections = Infinity, maxPerHour = Infinity } of LIMITS) {
      const limits = LIMITS.find((each) => each.key === key)!
      const most = Math.min(maxConnections, maxPerHour)
      for (let i = 0; i < 40 && world.count(key).connections < most; i++) {
        for (const host of world.hosts) await host.take(limits)
        await world.pass(200)
      }
      assert.equal(world.count(key).connections, most, `all of ${key}`)
      for (const message of world.messages) message.host.end(message, true)
      await world.pass(SECOND)
    }
  }

  #note(what: string, host?: WorldHost): void {
    const name = host === undefined ? '' : ` ${[...this.#world.hosts].indexOf(host)}:${host.folder.slice(-4)}`
    this.done.push(`${this.#world.now} ${what}${name}`)
  }
}

async function runRound(t: TestContext, world: LimitWorld, seed: number, steps: number): Promise<void> {
  const run = new RandomRun(world, randomFrom(seed))
  try {
    await run.run(steps)
  } catch (error) {
    t.diagnostic(`RANDOM_SEED=${seed}\n${run.done.slice(-40).join('\n')}`)
    throw error
  }
}

describe('limits shared between hosts: random events', { skip: needsRedis() }, () => {
  it('no limit is exceeded or lost, whatever happens to hosts and Redis', async (t) => {
    t.diagnostic(`RANDOM_SEED=${SEED} RANDOM_STEPS=${STEPS}`)
    for (let done = 0; done < STEPS; done += ROUND) {
      const world = await LimitWorld.start(t)
      await runRound(t, world, SEED + done / ROUND, Math.min(ROUND, STEPS - done))
    }
  })
})
