import { join } from 'node:path'
import type { OutboundItem } from '../haraka-objects/outbound'
import type { HarakaMxClass } from './haraka-mx'
import type { HookRunner } from './server-details'
import type { HarakaPlugin } from '../haraka-objects/plugin'
import type { HMailItem, OutboundConfig, OutboundCfg } from '../haraka-objects/outbound'

/** haraka-net-utils, as far as it is used. */
interface NetUtils {
  readonly HarakaMx: HarakaMxClass
  is_local_host(host: string): Promise<boolean>
}

/** Haraka's `logger.js`, as far as it is used. */
interface HarakaLogger {
  readonly levels: { readonly INFO: number; readonly DEBUG: number }
  would_log(level: number): boolean
}

/** Haraka's `outbound/queue.js`. Of 3.3 `running` is a number, of 3.1 (the package `async`) a function. */
interface OutboundQueues {
  readonly delivery_queue: {
    push(hmail: OutboundItem): void
    length(): number
    readonly running: number | (() => number)
  }
  readonly temp_fail_queue: {
    length(): number
    /** By the name of the queue file. @throws Error if it is not there */
    discard(id: string): unknown
  }
  readonly queue_dir: string
}

/** `outbound/qfile.js`, as far as it is used. */
interface QueueFileNames {
  parts(name: string): { readonly arrival: number } | null
  name(parts: { readonly arrival?: number | undefined; readonly attempts: number }): string
}

/** An item of the queue that has just been made: its file is not read yet. */
export interface NewItem extends HMailItem {
  once(event: 'ready', listener: () => void): unknown
}

/**
 * Haraka's own modules. Each is required once: `haraka_require` for each message would cost 10 us. Those of outbound are not loaded
 * yet when plugins are.
 */
export class HarakaModules {
  readonly runner: HookRunner
  readonly #plugin: HarakaPlugin
  readonly #config: OutboundConfig
  readonly #logger: HarakaLogger
  #net: NetUtils | undefined
  #outboundQueues: OutboundQueues | undefined

  constructor(plugin: HarakaPlugin) {
    this.#plugin = plugin
    this.runner = plugin.haraka_require('plugins') as HookRunner
    this.#config = plugin.haraka_require('outbound/config') as OutboundConfig
    this.#logger = plugin.haraka_require('logger') as HarakaLogger
  }

  /** `outbound.ini`, as it is now. */
  get outbound(): OutboundCfg {
    return this.#config.cfg
  }

  get netUtils(): NetUtils {
    return (this.#net ??= (this.#plugin.haraka_require('outbound') as { net_utils: NetUtils }).net_utils)
  }

  get #queues(): OutboundQueues {
    return (this.#outboundQueues ??= this.#plugin.haraka_require('outbound/queue') as OutboundQueues)
  }

  /** Is a line of this level written? If not, it need not be made. */
  isLogged(level: keyof HarakaLogger['levels']): boolean {
    return this.#logger.would_log(this.#logger.levels[level])
  }

  /** Puts a message back into the delivery queue. */
  push(hmail: OutboundItem): void {
    this.#queues.delivery_queue.push(hmail)
  }

  /** Haraka's queue folder. */
  get queueFolder(): string {
    return this.#queues.queue_dir
  }

  /** A new name for a file in it: of a message that arrived when this one did, was tried as often, and is to be tried now. */
  nameLike({ filename, num_failures: attempts }: HMailItem): string {
    const names = this.#plugin.haraka_require('outbound/qfile') as QueueFileNames
    return names.name({ arrival: names.parts(filename)?.arrival, attempts })
  }

  /** The item of a file in the queue folder. */
  createItem(name: string, notes: unknown): NewItem {
    const Item = this.#plugin.haraka_require('outbound/hmail') as new (
      name: string,
      path: string,
      notes: unknown,
    ) => NewItem
    return new Item(name, join(this.queueFolder, name), notes)
  }

  /** Sends a message that waits in Haraka's `temp_fail_queue`; nothing happens if it does not any more. */
  sendNow(hmail: OutboundItem): void {
    const { temp_fail_queue: waiting, delivery_queue: queue } = this.#queues
    try {
      waiting.discard(hmail.filename ?? '')
    } catch {
      return
    }
    queue.push(hmail)
  }

  /** Messages that are being sent, that are ready to be sent, and that wait for their next attempt. */
  countQueued(): { readonly running: number; readonly ready: number; readonly deferred: number } {
    const { delivery_queue: queue, temp_fail_queue: deferred } = this.#queues
    const { running } = queue
    return typeof running === 'number'
      ? { running, ready: queue.length() - running, deferred: deferred.length() }
      : { running: running(), ready: queue.length(), deferred: deferred.length() }
  }
}
