import type { LimitAnswer, LimitRefusal, Limits, LimitService } from './limit-types'
import { PlaceQueue } from './place-queue'

/** Why no place is free, and when to ask again at the latest (ms of the monotonic clock). */
export interface NoPlace {
  readonly why: 'connections' | 'quota' | 'unknown'
  readonly until: number
}

/** A place that was taken. */
export interface Place {
  readonly giveBack: (sent: boolean) => void
}

export interface LimitedPlacesOptions {
  readonly service: LimitService
  /** Milliseconds of a clock that only goes forward. */
  readonly monotonic: () => number
}

/** Time for which a place is kept for a message that was woken: it goes through Haraka's queue and the decision first. */
const RESERVE_MS = 5_000
/** The most places that are kept at once: when an hour is over, very many may be free. */
const MOST_RESERVED = 100
/** Time for which a server counts as being at its limit of connections after it was: `look` cannot ask. */
const FULL_MS = 1_000

interface ServerPlaces {
  limits: Limits
  readonly queue: PlaceQueue
  /** Places for those who were woken. */
  readonly reserved: Map<number, NodeJS.Timeout>
  refusal?: NoPlace
}

/** The places of limited servers that one process takes, and waits for. */
export class LimitedPlaces {
  readonly #service: LimitService
  readonly #monotonic: () => number
  readonly #entries = new Map<string, ServerPlaces>()

  constructor({ service, monotonic }: LimitedPlacesOptions) {
    this.#service = service
    this.#monotonic = monotonic
    service.onOffer((key, place) => this.#take(key, place))
  }

  know(limits: readonly Limits[]): void {
    this.#service.know(limits)
  }

  /** Why no place is free, as far as it is known without asking. */
  look(limits: Limits): NoPlace | undefined {
    const entry = this.#entries.get(limits.key)
    if (entry !== undefined && entry.reserved.size > 0) return undefined
    const known = this.#service.look(limits)
    if (known !== undefined) return this.#noPlace(known)
    // If another process must be asked, its last answer counts for a while.
    if (entry?.refusal === undefined) return undefined
    const isRecent = entry.queue.length > 0 || this.#monotonic() < entry.refusal.until
    return isRecent ? entry.refusal : undefined
  }

  /** Takes a place. */
  take(limits: Limits): Place | NoPlace | Promise<Place | NoPlace> {
    const entry = this.#entry(limits)
    for (const [place, timer] of entry.reserved) {
      const mostWereKept = entry.reserved.size >= MOST_RESERVED
      clearTimeout(timer)
      entry.reserved.delete(place)
      if (mostWereKept) this.#wait(entry)
      return this.#place(place)
    }
    const answer = this.#service.ask(limits)
    return answer instanceof Promise
      ? answer.then((late) => this.#read(entry, late))
      : this.#read(entry, answer)
  }

  /** @returns cancels the wait */
  whenFree(limits: Limits, wake: () => void, first: boolean): () => void {
    const entry = this.#entry(limits)
    const leave = entry.queue.add(wake, first)
    // After this turn of the event loop, so that nobody is woken before this method has returned.
    if (entry.queue.length === 1) queueMicrotask(() => this.#wait(entry))
    return leave
  }

  /** How many wait here. */
  waiting(key: string): number {
    return this.#entries.get(key)?.queue.length ?? 0
  }

  close(): void {
    for (const { reserved } of this.#entries.values()) {
      for (const [place, timer] of reserved) {
        clearTimeout(timer)
        this.#service.giveBack(place, false)
      }
      reserved.clear()
    }
    this.#service.close()
  }

  #entry(limits: Limits): ServerPlaces {
    const known = this.#entries.get(limits.key)
    if (known !== undefined) {
      known.limits = limits
      return known
    }
    const entry: ServerPlaces = { limits, queue: new PlaceQueue(), reserved: new Map() }
    this.#entries.set(limits.key, entry)
    return entry
  }

  #wait(entry: ServerPlaces): void {
    if (entry.queue.length > 0 && entry.reserved.size < MOST_RESERVED) this.#service.wait(entry.limits)
  }

  #read(entry: ServerPlaces, answer: LimitAnswer): Place | NoPlace {
    if (answer.granted) {
      delete entry.refusal
      return this.#place(answer.place)
    }
    entry.refusal = this.#noPlace(answer)
    return entry.refusal
  }

  #noPlace(refusal: LimitRefusal): NoPlace {
    const waitMs = refusal.why === 'quota' ? refusal.waitMs : FULL_MS
    return { why: refusal.why, until: this.#monotonic() + waitMs }
  }

  #place(place: number): Place {
    return { giveBack: (sent) => this.#service.giveBack(place, sent) }
  }

  /** A place was offered. It is kept for the message that has waited longest. */
  #take(key: string, place: number): void {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.queue.length === 0) {
      this.#service.giveBack(place, false)
      return
    }
    const timer = setTimeout(() => {
      entry.reserved.delete(place)
      this.#service.giveBack(place, false)
      this.#wait(entry)
    }, RESERVE_MS).unref()
    entry.reserved.set(place, timer)
    entry.queue.wakeFirst()
    this.#wait(entry)
  }
}

/** Is it a place, or the reason why there is none? */
export const isPlace = (answer: Place | NoPlace): answer is Place => 'giveBack' in answer
