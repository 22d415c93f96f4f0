import type { OutboundConfig, OutboundCfg } from '../haraka-objects/outbound'

/** Which of the processes that send this one is. */
export interface Workers {
  /** Worker processes of the server; 1 without cluster. */
  readonly count: number
  /** Number of this worker from 1, as `cluster.worker.id`. A worker that replaces another has a number above `count`. */
  readonly id: number
}

/**
 * How many workers Haraka starts (`smtp.ini` `nodes`, as `server.js` reads it): a number, or `cpus`. 0 is one process without
 * cluster.
 */
export function workerCount(nodes: unknown, cpus: number): number {
  if (nodes === 'cpus') return Math.max(1, cpus)
  const count = Number(nodes)
  return Number.isInteger(count) && count > 0 ? count : 1
}

/**
 * This worker's part of the messages that the whole server sends at once. It is at least one; where there are as many threads as
 * workers, all parts together are never more than `threads`. The remainder goes to the first workers. A worker that has replaced
 * another gets none of it, because it is not known whether the one before had some.
 */
function shareOfWorker(threads: number, { count, id }: Workers): number {
  return Math.max(1, Math.floor(threads / count) + (id <= threads % count ? 1 : 0))
}

/**
 * Sets Haraka's `concurrency_max`, and puts it back. The queue (Haraka 3.3.4 `outbound/queue.js` `_process`) reads
 * `cfg.concurrency_max` of `outbound/config.js` each time it takes work, and that module replaces `cfg` whenever `outbound.ini`
 * changes. So an accessor takes the place of `cfg`, and gives every new `cfg` our number when it is first read. `load_config` reads
 * it for the first time after it has filled in its own default, which is therefore what is put back.
 */
export class SendingThreads {
  readonly #outbound: OutboundConfig
  readonly #workers: Workers
  #share: number | undefined
  #cfg: OutboundCfg
  /** The settings that have our number, and the number they had. */
  #changed: { readonly cfg: OutboundCfg; readonly before: number } | undefined

  constructor(outbound: OutboundConfig, workers: Workers) {
    this.#outbound = outbound
    this.#workers = workers
    this.#cfg = outbound.cfg
  }

  /** @param threads over all workers; undefined: Haraka's own setting counts. */
  apply(threads: number | undefined): void {
    if (threads === undefined) {
      this.#restore()
      return
    }
    if (this.#share === undefined) this.#install()
    this.#share = shareOfWorker(threads, this.#workers)
    if (this.#changed?.cfg === this.#cfg) this.#cfg.concurrency_max = this.#share
  }

  /** Leaves Haraka as it was. */
  #restore(): void {
    if (this.#share === undefined) return
    this.#share = undefined
    if (this.#changed?.cfg === this.#cfg) this.#cfg.concurrency_max = this.#changed.before
    this.#changed = undefined
    Object.defineProperty(this.#outbound, 'cfg', {
      value: this.#cfg,
      configurable: true,
      enumerable: true,
      writable: true,
    })
  }

  #install(): void {
    this.#cfg = this.#outbound.cfg
    Object.defineProperty(this.#outbound, 'cfg', {
      get: () => this.#current(),
      set: (cfg: OutboundCfg) => {
        this.#cfg = cfg
      },
      configurable: true,
      enumerable: true,
    })
  }

  #current(): OutboundCfg {
    const cfg = this.#cfg
    if (this.#share !== undefined && this.#changed?.cfg !== cfg) {
      this.#changed = { cfg, before: cfg.concurrency_max }
      cfg.concurrency_max = this.#share
    }
    return cfg
  }
}
