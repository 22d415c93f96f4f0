import { FindingRounds } from './finding-rounds'
import { type LogEntry, writeEntry } from './log-entry'
import { ServerChannel } from './server-channel'
import type { Loggable } from '../haraka-objects/plugin'

/** What a process of the server has to say of something that every process sees, such as a changed file. */
export interface ServerFinding {
  /** The same in every process that has found the same. */
  readonly key: string
  readonly entries: readonly LogEntry[]
}

/**
 * The log of the server as a whole. In a cluster every worker reads the configuration for itself (after privileges are dropped,
 * which the master keeps), so only the workers know what is in force. They hand what they find to the master, which logs it once.
 */
export class ServerLog {
  readonly #log: Loggable
  readonly #rounds = new FindingRounds()
  readonly #channel: ServerChannel<ServerFinding>

  /** @param isMaster does this process start the workers? */
  constructor(log: Loggable, isMaster: boolean) {
    this.#log = log
    this.#channel = new ServerChannel({
      event: 'dns_overrides.finding',
      isMaster,
      hear: (process, finding) => this.#take(process, finding),
    })
  }

  /** Logs a finding, unless another process of the server has logged the same. */
  report(finding: ServerFinding): void {
    // Without a master that can be reached, better said twice than not at all.
    this.#channel.say(finding, () => this.#write(finding))
  }

  #take(process: number, finding: ServerFinding): void {
    if (this.#rounds.isNews(process, finding.key)) this.#write(finding)
  }

  #write({ entries }: ServerFinding): void {
    for (const entry of entries) writeEntry(this.#log, entry)
  }
}
