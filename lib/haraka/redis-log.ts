import cluster, { type Worker } from 'node:cluster'
import { type LogEntry, writeEntry } from './log-entry'
import type { Loggable } from '../haraka-objects/plugin'

/** How a worker tells the master how Redis does. Haraka (`server.js`, `outbound/index.js`) ignores events that it does not know. */
interface RedisMessage {
  readonly event: 'dns_overrides.redis'
  /** Why Redis is gone; absent: it is back. */
  readonly why?: string
}

const MASTER = 0

const isRedisMessage = (message: unknown): message is RedisMessage =>
  (message as Partial<RedisMessage> | null)?.event === 'dns_overrides.redis'

/** Of what the processes of a server see of Redis, what is news for the server as a whole. */
export class RedisOutage {
  readonly #affected = new Set<number>()

  /** @returns whether Redis was there for all until now */
  begin(process: number): boolean {
    const isNews = this.#affected.size === 0
    this.#affected.add(process)
    return isNews
  }

  /** @returns whether Redis is there for all again */
  end(process: number): boolean {
    return this.#affected.delete(process) && this.#affected.size === 0
  }
}

/** Says once that Redis is gone for a process of this server, and once that it is back for all of them. */
export class RedisLog {
  readonly #log: Loggable
  readonly #outage = new RedisOutage()

  /** @param isMaster does this process start the workers? */
  constructor(log: Loggable, isMaster: boolean) {
    this.#log = log
    if (!isMaster) return
    const known = new WeakSet<Worker>()
    cluster.on('message', (worker, message: unknown) => {
      if (!isRedisMessage(message)) return
      const { why } = message
      this.#take(worker.id, typeof why === 'string' ? why : undefined)
      if (known.has(worker)) return
      known.add(worker)
      worker.once('exit', () => this.#take(worker.id, undefined))
    })
  }

  /** @param why Redis is gone for this process; undefined: it is back */
  note(why: string | undefined): void {
    if (!cluster.isWorker) {
      this.#take(MASTER, why)
      return
    }
    const message: RedisMessage = { event: 'dns_overrides.redis', ...(why === undefined ? {} : { why }) }
    // Without a master that can be reached there is nobody to say it for the server.
    process.send?.(message, undefined, undefined, () => {})
  }

  #take(process: number, why: string | undefined): void {
    if (why === undefined) {
      if (this.#outage.end(process)) this.#write('notice', 'Redis is back: state is shared again')
    } else if (this.#outage.begin(process)) {
      this.#write('warn', `Redis is gone (${why}): each server goes on by itself`)
    }
  }

  #write(level: LogEntry['level'], text: string): void {
    writeEntry(this.#log, { level, text })
  }
}
