import cluster from 'node:cluster'
import { type LogEntry, writeEntry } from './log-entry'
import type { Loggable } from '../haraka-objects/plugin'

/** What a process of the server has to say of something that every process sees, such as a changed file. */
export interface ServerFinding {
  /** The same in every process that has found the same. */
  readonly key: string
  readonly entries: readonly LogEntry[]
}

/** How a worker hands a finding to the master. Haraka (`server.js`, `outbound/index.js`) ignores events that it does not know. */
interface FindingMessage {
  readonly event: 'dns_overrides.finding'
  readonly finding: ServerFinding
}

const MASTER = 0
/** Findings that are remembered. */
const MOST_KEYS = 32

/** Tells which of the equal findings of several processes is the first of its round. */
export class Rounds {
  readonly #finders = new Map<string, Set<number>>()

  /**
   * Notes a finding of a process.
   *
   * @returns whether it is news: nobody has found it, or this process finds it for a second time
   */
  isNews(process: number, key: string): boolean {
    const finders = this.#finders.get(key)
    if (finders !== undefined && !finders.has(process)) {
      finders.add(process)
      return false
    }
    this.#finders.delete(key)
    this.#finders.set(key, new Set([process]))
    const [oldest] = this.#finders.keys()
    if (this.#finders.size > MOST_KEYS && oldest !== undefined) this.#finders.delete(oldest)
    return true
  }
}

function isFindingMessage(message: unknown): message is FindingMessage {
  return (message as Partial<FindingMessage> | null)?.event === 'dns_overrides.finding'
}

/**
 * The log of the server as a whole. In a cluster every worker reads the configuration for itself (after privileges are dropped,
 * which the master keeps), so only the workers know what is in force. They hand what they find to the master, which logs it once.
 */
export class ServerLog {
  readonly #log: Loggable
  readonly #rounds = new Rounds()

  /** @param isMaster does this process start the workers? */
  constructor(log: Loggable, isMaster: boolean) {
    this.#log = log
    if (!isMaster) return
    cluster.on('message', (worker, message: unknown) => {
      if (isFindingMessage(message)) this.#take(worker.id, message.finding)
    })
  }

  /** Logs a finding, unless another process of the server has logged the same. */
  report(finding: ServerFinding): void {
    if (!cluster.isWorker) {
      this.#take(MASTER, finding)
      return
    }
    const message: FindingMessage = { event: 'dns_overrides.finding', finding }
    // Without a master that can be reached, better said twice than not at all.
    process.send?.(message, undefined, undefined, (error) => {
      if (error !== null) this.#write(finding)
    })
  }

  #take(process: number, finding: ServerFinding): void {
    if (this.#rounds.isNews(process, finding.key)) this.#write(finding)
  }

  #write({ entries }: ServerFinding): void {
    for (const entry of entries) writeEntry(this.#log, entry)
  }
}
