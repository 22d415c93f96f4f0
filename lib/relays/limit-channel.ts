import type { Serializable } from 'node:child_process'
import { LimitArbiter, type LimitArbiterOptions } from './limit-arbiter'
import type { LimitAnswer, Limits, LimitService, LimitStatus } from './limit-types'

/*
 * Limits over the workers of one server. The master process, which outlives them, counts. Workers ask it over the channel of Node's
 * cluster module, so no port is open. Haraka and other plugins use the same channel; every message here is an object with the one
 * property `dns_overrides_limits`, which none of them reads (Haraka: `cmd`, `event`, `params`).
 *
 *   worker                              master
 *   { ask: 7, limits }            ->
 *                                 <-    { answer: 7, granted: true, place: 31 }
 *   { giveBack: 31, sent: true }  ->
 *   { wait: limits }              ->
 *   { know: [limits] }            ->
 *                                 <-    { offer: 'isp', place: 32 }
 */

const PROPERTY = 'dns_overrides_limits'

/** Time after which a worker goes on without an answer. The master has little other work. */
const ANSWER_PATIENCE_MS = 5_000
/** Time after a worker's end in which its last bytes may still be on the way to the relay. */
const CLOSING_MS = 1_000

type WorkerMessage =
  | { readonly ask: number; readonly limits: Limits }
  | { readonly giveBack: number; readonly sent: boolean }
  | { readonly wait: Limits }
  | { readonly know: readonly Limits[] }

type MasterMessage =
  ({ readonly answer: number } & LimitAnswer) | { readonly offer: string; readonly place: number }

type ChannelContent = Record<string, unknown>

/** The content of a message, if it is one of these. */
function contentOf(message: unknown): ChannelContent | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const content = (message as ChannelContent)[PROPERTY]
  return typeof content === 'object' && content !== null ? (content as ChannelContent) : undefined
}

const wrap = (content: WorkerMessage | MasterMessage): Serializable =>
  ({ [PROPERTY]: content }) as Serializable

function isLimits(value: unknown): value is Limits {
  if (typeof value !== 'object' || value === null) return false
  const { key, maxConnections, maxPerHour } = value as ChannelContent
  const isLimit = (limit: unknown) =>
    limit === undefined || (Number.isSafeInteger(limit) && Number(limit) >= 0)
  return typeof key === 'string' && isLimit(maxConnections) && isLimit(maxPerHour)
}

/** A worker as the master sees it (`cluster.Worker`). */
export interface LimitWorker {
  isDead(): boolean
  isConnected(): boolean
  send(message: Serializable, callback: (error: Error | null) => void): boolean
  once(event: 'exit' | 'disconnect', listener: () => void): unknown
}

/** `node:cluster` in the master process. */
export interface LimitCluster<W extends LimitWorker> {
  on(event: 'message', listener: (worker: W, message: unknown) => void): unknown
  off(event: 'message', listener: (worker: W, message: unknown) => void): unknown
}

/** The counts of the master process, and a way to end them. */
export interface LimitServer {
  status(): readonly LimitStatus[]
  close(): void
}

/** Counts for all workers. To be called in the master process, before it starts them. */
export function serveLimits<W extends LimitWorker>(
  cluster: LimitCluster<W>,
  options: Omit<LimitArbiterOptions<W>, 'offer'> & { readonly onChange?: () => void },
): LimitServer {
  const known = new WeakSet<W>()
  const arbiter: LimitArbiter<W> = new LimitArbiter<W>({
    ...options,
    offer: (worker, key, place) => {
      const offer = wrap({ offer: key, place })
      worker.send(offer, (error) => {
        // A worker that did not receive the place has sent nothing.
        if (error !== null) arbiter.giveBack(worker, place, false)
      })
    },
  })
  const meet = (worker: W) => {
    if (known.has(worker)) return
    known.add(worker)
    worker.once('disconnect', () => arbiter.stopWaiting(worker))
    // Not before its end: a worker that Haraka disconnects still ends its deliveries. Haraka removes the listeners of the
    // cluster's own 'exit' (server.js _graceful), so each worker is asked.
    worker.once('exit', () => {
      arbiter.stopWaiting(worker)
      setTimeout(() => {
        arbiter.leave(worker)
        options.onChange?.()
      }, CLOSING_MS).unref()
    })
  }
  const listen = (worker: W, message: unknown) => {
    const content = contentOf(message)
    if (content === undefined) return
    meet(worker)
    const { ask, limits, giveBack, sent, wait, know } = content
    if (typeof giveBack === 'number') arbiter.giveBack(worker, giveBack, sent === true)
    // Requests of a worker that was killed may arrive after its end.
    else if (worker.isDead() || !worker.isConnected()) return
    else if (typeof ask === 'number' && isLimits(limits)) {
      const reply = (answer: LimitAnswer) => {
        worker.send(wrap({ answer: ask, ...answer }), (error) => {
          if (error !== null && answer.granted) arbiter.giveBack(worker, answer.place, false)
        })
      }
      const answer = arbiter.request(worker, limits)
      if (answer instanceof Promise) void answer.then(reply)
      else reply(answer)
    } else if (isLimits(wait)) arbiter.wait(worker, wait)
    else if (Array.isArray(know)) arbiter.know(know.filter(isLimits))
    options.onChange?.()
  }
  cluster.on('message', listen)
  return {
    status: () => arbiter.status(),
    close: () => {
      cluster.off('message', listen)
      arbiter.close()
    },
  }
}

/** The worker's end of the channel (`process`). */
export interface LimitPort {
  readonly connected: boolean
  readonly send?: (
    message: Serializable,
    handle: undefined,
    options: undefined,
    callback: (error: Error | null) => void,
  ) => boolean
  on(event: 'message', listener: (message: unknown) => void): unknown
  on(event: 'disconnect', listener: () => void): unknown
}

/** Asks the master process. */
export class ChannelLimits implements LimitService {
  readonly #port: LimitPort
  readonly #patienceMs: number
  readonly #questions = new Map<number, (answer: LimitAnswer) => void>()
  #lastQuestion = 0
  #isClosed = false
  #take: (key: string, place: number) => void = () => {}

  constructor(port: LimitPort, { patienceMs = ANSWER_PATIENCE_MS } = {}) {
    this.#port = port
    this.#patienceMs = patienceMs
    port.on('message', (message) => this.#hear(message))
    port.on('disconnect', () => this.close())
  }

  know(limits: readonly Limits[]): void {
    this.#send({ know: limits })
  }

  /** Only the master knows. */
  look(): undefined {
    return undefined
  }

  ask(limits: Limits): LimitAnswer | Promise<LimitAnswer> {
    if (this.#isClosed) return { granted: false, why: 'unknown' }
    const ask = ++this.#lastQuestion
    return new Promise((done) => {
      const finish = (answer: LimitAnswer) => {
        clearTimeout(timer)
        this.#questions.delete(ask)
        done(answer)
      }
      const timer = setTimeout(() => finish({ granted: false, why: 'unknown' }), this.#patienceMs)
      this.#questions.set(ask, finish)
      this.#send({ ask, limits }, () => finish({ granted: false, why: 'unknown' }))
    })
  }

  giveBack(place: number, sent: boolean): void {
    this.#send({ giveBack: place, sent })
  }

  wait(limits: Limits): void {
    this.#send({ wait: limits })
  }

  onOffer(take: (key: string, place: number) => void): void {
    this.#take = take
  }

  close(): void {
    this.#isClosed = true
    for (const finish of this.#questions.values()) finish({ granted: false, why: 'unknown' })
  }

  /** A closed channel means that the worker ends: the master then frees what it held. */
  #send(question: WorkerMessage, onFailure: () => void = () => {}): void {
    if (!this.#port.connected || this.#port.send === undefined) onFailure()
    else {
      this.#port.send(wrap(question), undefined, undefined, (error) => {
        if (error !== null) onFailure()
      })
    }
  }

  #hear(message: unknown): void {
    const content = contentOf(message)
    if (content === undefined) return
    const { answer, granted, place, why, waitMs, offer } = content
    if (typeof offer === 'string' && typeof place === 'number') {
      if (this.#isClosed) this.giveBack(place, false)
      else this.#take(offer, place)
    }
    if (typeof answer !== 'number') return
    const finish = this.#questions.get(answer)
    if (granted === true && typeof place === 'number') {
      // It came too late: nobody waits for it any more.
      if (finish === undefined) this.giveBack(place, false)
      else finish({ granted, place })
    } else if (why === 'quota' && typeof waitMs === 'number') finish?.({ granted: false, why, waitMs })
    else if (why === 'connections') finish?.({ granted: false, why })
  }
}
