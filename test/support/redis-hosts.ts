import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { readSnapshots } from '../../lib/relays/snapshot'
import { STATE_FOLDER } from '../../lib/relays/state-folder'
import { runProcess } from './cli'
import { a, mx, startZone } from './dns-scripted'
import { HarakaServer } from './haraka-server'
import { readRights, type RedisProxy, RedisServer, startProxy } from './redis-server'
import { SmtpClient } from './smtp-client'
import { startCounted, type CountedServer } from './smtp-counted'
import { startRefusing, type RefusingServer } from './smtp-refusing'
import { startSink, type Sink } from './smtp-sink'
import { until } from './until'

/** What the hosts log in with. */
export const USER = 'haraka'
export const PASSWORD = 'Passw0rd'

/** Messages of each round that are sent by each host. */
const LIMITED = 4
const DIRECT = 2
/** Of `few.example`, in an hour. */
export const FEW = 6
/** Rounds: each has a domain of its own, about which DNS must be asked. */
const DOMAINS = 100

/**
 * Two Haraka folders as two hosts, two workers each, that share all that can be shared over one Redis. They reach it through a proxy,
 * with no more rights than docs/operations.md asks for.
 *
 *     isp.example         by the relay `isp`, three connections at once
 *     rotating.example    by the relays in turn: `isp` and `one`
 *     few.example         directly, {@link FEW} an hour
 *     dN.example          by `dead`, which is left out, by `held`, or else directly, without a limit
 */
export class RedisHosts {
  readonly #sent: string[] = []
  #rounds = 0

  private constructor(
    readonly redis: RedisServer,
    readonly proxy: RedisProxy,
    readonly hosts: readonly HarakaServer[],
    readonly isp: CountedServer,
    readonly few: Sink,
    readonly free: Sink,
    readonly dead: RefusingServer,
    readonly held: RefusingServer,
  ) {}

  static async start(t: TestContext): Promise<RedisHosts> {
    const [redis, isp, few, free, dead, held] = await Promise.all([
      startRedisWithUser(t),
      startCounted(t, { answerMs: 20 }),
      startSink(),
      startSink(),
      startRefusing(t),
      startRefusing(t),
    ])
    const proxy = await startProxy(t, redis.port)
    const domains = [...Array.from({ length: DOMAINS }, (_, n) => `d${n}.example`), 'few.example']
    const zone = await startZone(
      Object.fromEntries(
        domains.flatMap((name) => [
          [name, [mx(10, `mx.${name}`)]],
          [`mx.${name}`, [a('127.0.0.1')]],
        ]),
      ),
      { ttl: 3_600, negativeTtl: 3_600 },
    )
    t.after(() => Promise.all([zone.stop(), few.close(), free.close()]))
    const relay = (name: string, port: number, ...keys: string[]) => [
      `[relay:${name}]`,
      'host = 127.0.0.1',
      `port = ${port}`,
      ...keys,
    ]
    const overrides = [
      `dns_servers = ${zone.server.address}:${zone.port}`,
      'isp.example @isp',
      'few.example @few',
      'd*.example @dead $priority:0',
      'd*.example @held $priority:1',
      'd*.example $direct $priority:2',
      '[redis]',
      'host = 127.0.0.1',
      `port = ${proxy.port}`,
      `username = ${USER}`,
      `password = ${PASSWORD}`,
      '[direct]',
      `port = ${free.port}`,
      '[direct:few]',
      `port = ${few.port}`,
      `max_per_hour = ${FEW}`,
      '[attempts]',
      'rotating.example direct=0 relay=3',
      ...relay('isp', isp.port, 'max_connections = 3', 'max_per_hour = 100000'),
      ...relay('one', free.port),
      ...relay('dead', dead.port, 'retry_after = 1h'),
      ...relay('held', held.port),
    ].join('\n')
    const start = async () => {
      // What waits for the end of its hour does so for as long as the test runs, and counts no attempt.
      const outbound = ['temp_fail_intervals=5s*1000', 'local_mx_ok=true']
      const haraka = await HarakaServer.start({ nodes: 2, overrides, outbound })
      t.after(() => haraka.close())
      return haraka
    }
    return new RedisHosts(redis, proxy, await Promise.all([start(), start()]), isp, few, free, dead, held)
  }

  /** Holds `held`, has `dead` fail, and uses up the hour of `few.example`. */
  async prepare(): Promise<void> {
    await runProcess(['relays', '--hold', 'held', '--reason', 'they block us'], {
      cwd: this.hosts[0]!.folder,
    })
    await until(() => this.#workers().every(({ holds }) => holds.length === 1), 'the hold')
    await this.deliver('the first mail')
    const isLeftOut = () =>
      this.#workers().every(({ servers }) =>
        servers.some(({ name, breaker }) => name === 'dead' && breaker === 'open'),
      )
    await until(isLeftOut, 'the breaker')
    for (const haraka of this.hosts) {
      for (let n = 0; n < FEW; n++) await haraka.send({ to: `few${n}@few.example` })
    }
    await this.#waitFor(() => this.few.received.length >= FEW, 'the messages of an hour')
  }

  /** Sends a round of mail, and waits until what has no limit is delivered. */
  async send(what: string): Promise<void> {
    const round = this.#rounds++
    const direct: string[] = []
    for (const [index, { port }] of this.hosts.entries()) {
      const client = await SmtpClient.open(port)
      const send = async (count: number, domain: string) => {
        const addresses = Array.from({ length: count }, (_, n) => `${index}-${round}-${n}@${domain}`)
        for (const to of addresses) await client.send({ to })
        this.#sent.push(...addresses)
        return addresses
      }
      await send(LIMITED, 'isp.example')
      await send(1, 'rotating.example')
      direct.push(...(await send(DIRECT, `d${round}.example`)))
      await client.quit()
    }
    await this.#waitFor(() => this.#hasAll(direct), `mail without limits: ${what}`)
  }

  /** Sends a round of mail, and waits until that and all before it is delivered. */
  async deliver(what: string): Promise<void> {
    await this.send(what)
    await this.#waitFor(() => this.#hasAll(this.#sent), `mail: ${what}`)
  }

  /** Messages of which there is not exactly one at the servers. */
  misdelivered(): readonly string[] {
    const times = this.#received()
    return this.#sent.filter((to) => times.get(to) !== 1)
  }

  /** Resident memory of each process, MB, by its id. */
  memory(): ReadonlyMap<number, number> {
    const pids = [...this.#workers().map(({ pid }) => pid), ...this.hosts.map(({ pid }) => pid)]
    return new Map(
      pids.map((pid) => {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8')
        return [pid, Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024)]
      }),
    )
  }

  #workers() {
    return this.hosts.flatMap(({ folder }) =>
      readSnapshots(join(folder, STATE_FOLDER), Date.now()).filter(({ role }) => role === 'worker'),
    )
  }

  #received(): ReadonlyMap<string, number> {
    const times = new Map<string, number>()
    for (const { received } of [this.isp.sink, this.free]) {
      for (const { rcptTo } of received) times.set(rcptTo[0]!, (times.get(rcptTo[0]!) ?? 0) + 1)
    }
    return times
  }

  #hasAll(addresses: readonly string[]): boolean {
    const times = this.#received()
    return addresses.every((to) => times.has(to))
  }

  async #waitFor(condition: () => boolean, what: string): Promise<void> {
    await this.hosts[0]!.waitFor(condition, what, [this.isp.sink, this.free, this.few])
  }
}

/** Its rights come back with it when it is started anew. */
const startRedisWithUser = (t: TestContext) =>
  RedisServer.start(
    t,
    '--maxmemory-policy',
    'noeviction',
    '--user',
    USER,
    'on',
    `>${PASSWORD}`,
    ...readRights(),
  )
