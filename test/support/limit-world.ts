import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { RedisConnection } from '../../lib/redis/connection'
import { readIdentity, renewIdentity } from '../../lib/redis/host-identity'
import { openHostMemory } from '../../lib/redis/host-memory'
import { LIMITS } from '../../lib/redis/limits-script'
import { SharedLimits } from '../../lib/redis/shared-limits'
import type { LimitAnswer, Limits } from '../../lib/relays/limit-types'
import { LocalLimits } from '../../lib/relays/local-limits'
import { openQuotaJournal } from '../../lib/relays/quota-journal'
import { RedisServer } from './redis-server'

/*
 * Hosts that share limits by a real Redis, in a time that the test makes pass: hours take seconds. Only the clocks are not real, that
 * of Redis too, and the connections, which end when the test says so.
 */

const HOUR = 3_600_000
const EPOCH = 1_750_000_000_000
const CLOCK_KEY = 'clock'
const source = LIMITS.source.replace("redis.call('TIME')", `{redis.call('GET', '${CLOCK_KEY}') / 1000, 0}`)
const sha1 = createHash('sha1').update(source).digest('hex')

/** A message under way. */
export interface WorldMessage {
  readonly host: WorldHost
  readonly key: string
  readonly place: number
  readonly since: number
}

/** What becomes of the next calls of a host. */
export type CallFault =
  /** Redis does what it is asked, and the reply is lost. */
  | 'reply'
  /** Redis does it when the test says so, see {@link LimitWorld.runLate}. */
  | 'late'

interface Work {
  readonly at: number
  readonly run: () => void
}

export class LimitWorld {
  readonly redis: RedisServer
  readonly hosts = new Set<WorldHost>()
  readonly messages = new Set<WorldMessage>()
  readonly #t: Pick<TestContext, 'after'>
  readonly #timers = new Set<Work>()
  readonly #late: (() => Promise<unknown>)[] = []
  readonly #sent: { readonly key: string; readonly at: number }[] = []
  readonly #limits = new Map<string, Limits>()
  /** Calls that are under way. */
  #calls = 0
  isUp = true
  /** Milliseconds. Begins well after the start of the machine. */
  now = 10_000_000
  /** How many limits each call has named. */
  readonly named: number[] = []
  /** Counts the times that Redis was started. */
  starts = 1

  private constructor(t: Pick<TestContext, 'after'>, redis: RedisServer) {
    this.#t = t
    this.redis = redis
  }

  static async start(t: Pick<TestContext, 'after'>): Promise<LimitWorld> {
    const redis = await RedisServer.start(t)
    const world = new LimitWorld(t, redis)
    await redis.command('SCRIPT', 'LOAD', source)
    return world
  }

  /** A host with a folder of its own, or one that was copied. */
  async join(folder = this.newFolder(), machine = folder): Promise<WorldHost> {
    const host = new WorldHost(this, folder, machine)
    this.hosts.add(host)
    await this.settle()
    return host
  }

  newFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'limit-world-'))
    this.#t.after(() => rmSync(folder, { recursive: true, force: true }))
    return folder
  }

  /** The process is killed. What it was sending may have been sent. */
  kill(host: WorldHost): void {
    host.isDead = true
    this.hosts.delete(host)
    for (const message of this.messages) if (message.host === host) this.end(message, true)
  }

  /** Redis is gone for all. */
  lose(): void {
    this.isUp = false
  }

  /** It is back, with what it had. */
  async find(): Promise<void> {
    this.isUp = true
    this.starts++
    for (const host of this.hosts) host.ready()
    await this.settle()
  }

  /** What Redis has of limits, to be put back as a replica would have it. */
  async save(): Promise<() => Promise<void>> {
    const keys = (await this.redis.command('KEYS', 'dns_overrides:*')) as string[]
    // A damaged key is left out.
    const hashes = await Promise.all(keys.map((key) => this.redis.command('HGETALL', key).catch(() => ({}))))
    return async () => {
      await this.redis.command('FLUSHALL')
      for (const [index, key] of keys.entries()) {
        const pairs = Object.entries(hashes[index] as Record<string, string>).flat()
        const fields = Array.isArray(hashes[index]) ? (hashes[index] as string[]) : pairs
        if (fields.length > 0) await this.redis.command('HSET', key, ...fields)
      }
    }
  }

  /** Redis does what hosts gave up waiting for. */
  async runLate(): Promise<void> {
    for (const run of this.#late.splice(0)) await run()
  }

  async run(host: WorldHost, keys: readonly string[], values: readonly string[]): Promise<unknown> {
    const evaluate = async () => {
      const clock = this.redis.command('SET', CLOCK_KEY, String(EPOCH + this.now))
      const reply = this.redis.command('EVALSHA', sha1, String(keys.length), ...keys, ...values)
      await clock
      return reply
    }
    this.#calls++
    this.named.push((keys.length - 2) / 2)
    try {
      const fault = host.faults.shift()
      if (fault === 'late') {
        this.#late.push(evaluate)
        throw new Error('no reply in time')
      }
      const reply = await evaluate()
      if (fault === 'reply') throw new Error('the reply was lost')
      if (host.isDead) throw new Error('the process is dead')
      return reply
    } finally {
      this.#calls--
    }
  }

  timer(host: WorldHost, run: () => void, ms: number): () => void {
    const work = {
      at: this.now + ms,
      run: () => {
        if (!host.isDead) run()
      },
    }
    this.#timers.add(work)
    return () => void this.#timers.delete(work)
  }

  /** Time passes, in steps in which each timer runs once. Messages of more than 20 seconds end. */
  async pass(ms: number, stepMs = Math.min(Math.max(ms / 20, 1), 25_000)): Promise<void> {
    const end = this.now + ms
    while (this.now < end) {
      this.now = Math.min(this.now + stepMs, end)
      for (const message of this.messages)
        if (this.now - message.since > 20_000) message.host.end(message, true)
      const due = [...this.#timers].filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at)
      for (const work of due) {
        if (!this.#timers.delete(work)) continue
        work.run()
        await this.settle()
      }
    }
    await this.settle()
  }

  /** Waits until all that was begun has ended, but for what waits for time. */
  async settle(): Promise<void> {
    let quiet = 0
    while (quiet < 3) {
      await new Promise((done) => setImmediate(done))
      quiet = this.#calls === 0 ? quiet + 1 : 0
    }
  }

  begin(host: WorldHost, limits: Limits, place: number): WorldMessage {
    const message = { host, key: limits.key, place, since: this.now }
    this.messages.add(message)
    this.#limits.set(limits.key, limits)
    this.check(limits.key)
    return message
  }

  end(message: WorldMessage, sent: boolean): void {
    if (!this.messages.delete(message)) return
    if (sent) this.#sent.push({ key: message.key, at: this.now })
    this.check(message.key)
  }

  /** Connections that are open, and messages of the last hour with those under way. */
  count(key: string): { readonly connections: number; readonly messages: number } {
    const connections = [...this.messages].filter((each) => each.key === key).length
    const sent = this.#sent.filter((each) => each.key === key && each.at > this.now - HOUR).length
    return { connections, messages: sent + connections }
  }

  /** @throws Error if a limit is broken */
  check(key: string): void {
    const { connections, messages } = this.count(key)
    const { maxConnections = Infinity, maxPerHour = Infinity } = this.#limits.get(key) ?? {}
    if (connections > maxConnections)
      throw new Error(`${connections} connections of ${maxConnections}: ${key}`)
    if (messages > maxPerHour) throw new Error(`${messages} messages of ${maxPerHour}: ${key}`)
  }
}

export class WorldHost {
  readonly world: LimitWorld
  readonly folder: string
  readonly machine: string
  readonly shared: SharedLimits
  readonly faults: CallFault[] = []
  readonly #service: LocalLimits
  readonly #listeners: (() => void)[] = []
  readonly #waits = new Map<string, Limits>()
  /** How often it was cut off from Redis. */
  #cuts = 0
  isDead = false
  isCut = false

  constructor(world: LimitWorld, folder: string, machine: string) {
    this.world = world
    this.folder = folder
    this.machine = machine
    const monotonic = () => world.now
    const clock = { monotonic, wall: () => EPOCH + world.now, boot: 'this boot' }
    const isReady = () => world.isUp && !this.isCut && !this.isDead
    const serial = () => world.starts + this.#cuts
    const connection: RedisConnection = {
      get isReady() {
        return isReady()
      },
      isLate: false,
      get serial() {
        return serial()
      },
      run: (_script, keys, values) => world.run(this, keys, values),
      onReady: (listener) => void this.#listeners.push(listener),
      close: () => {},
    }
    this.shared = new SharedLimits({
      connection,
      identity: readIdentity(folder),
      renew: () => renewIdentity(folder),
      memory: openHostMemory({ folder, clock, machine }),
      monotonic,
      timer: (run, ms) => world.timer(this, run, ms),
    })
    const journal = openQuotaJournal({ folder, clock, warn: () => {} })
    this.#service = new LocalLimits({ monotonic, lender: this.shared, journal })
    this.#service.onOffer((key, place) => {
      const limits = this.#waits.get(key)
      if (limits === undefined || this.isDead) return
      this.#waits.delete(key)
      world.begin(this, limits, place)
    })
  }

  ready(): void {
    if (!this.isDead && !this.isCut) for (const listener of this.#listeners) listener()
  }

  know(limits: readonly Limits[]): void {
    this.#service.know(limits)
  }

  /** Begins a message if it may. */
  async take(limits: Limits): Promise<LimitAnswer> {
    const asked = this.#service.ask(limits)
    if (!(asked instanceof Promise)) return this.#begin(limits, asked)
    let answer: LimitAnswer | undefined
    void asked.then((late) => (answer = this.#begin(limits, late)))
    await this.world.settle()
    // It waits for the first reply.
    return answer ?? { granted: false, why: 'unknown' }
  }

  /** Begins all messages that it may. @returns how many */
  async takeAll(limits: Limits): Promise<number> {
    for (let taken = 0; ; taken++) if (!(await this.take(limits)).granted) return taken
  }

  /** Begins and sends all messages that it may, and those that it may after some waits. @returns how many */
  async sendAll(limits: Limits, waitMs = 0): Promise<number> {
    let sent = 0
    const send = async () => {
      while ((await this.take(limits)).granted) {
        for (const message of this.messages) if (message.key === limits.key) this.end(message, true)
        sent++
      }
    }
    await send()
    for (let waited = 0; waited < waitMs; waited += 1_000) {
      await this.world.pass(1_000)
      await send()
    }
    return sent
  }

  /** Begins a message as soon as it may. */
  wait(limits: Limits): void {
    this.#waits.set(limits.key, limits)
    this.#service.wait(limits)
  }

  end(message: WorldMessage, sent: boolean): void {
    this.world.end(message, sent)
    this.#service.giveBack(message.place, sent)
  }

  cut(): void {
    this.isCut = true
  }

  async mend(): Promise<void> {
    this.isCut = false
    this.#cuts++
    this.ready()
    await this.world.settle()
  }

  /** Messages of it that are under way. */
  get messages(): readonly WorldMessage[] {
    return [...this.world.messages].filter(({ host }) => host === this)
  }

  #begin(limits: Limits, answer: LimitAnswer): LimitAnswer {
    if (answer.granted && !this.isDead) this.world.begin(this, limits, answer.place)
    return answer
  }
}
