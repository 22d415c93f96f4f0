import { type LogEntry, writeEntry } from './log-entry'
import { RedisOutage } from './redis-outage'
import { ServerChannel } from './server-channel'
import type { Loggable } from '../haraka-objects/plugin'

/** How Redis does for one process. */
interface RedisNote {
  /** Why it is gone; absent: it is back. */
  readonly why?: string
}

/** Says once that Redis is gone for a process of this server, and once that it is back for all of them. */
export class RedisLog {
  readonly #log: Loggable
  readonly #outage = new RedisOutage()
  readonly #channel: ServerChannel<RedisNote>

  /** @param isMaster does this process start the workers? */
  constructor(log: Loggable, isMaster: boolean) {
    this.#log = log
    this.#channel = new ServerChannel({
      event: 'dns_overrides.redis',
      isMaster,
      hear: (process, { why }) => this.#take(process, why),
      onExit: (process) => this.#take(process, undefined),
    })
  }

  /**
   * Without a master that can be reached there is nobody to say it for the server.
   *
   * @param why Redis is gone for this process; undefined: it is back
   */
  note(why: string | undefined): void {
    this.#channel.say(why === undefined ? {} : { why })
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
