import { readFileSync } from 'node:fs'
import { PerformanceObserver } from 'node:perf_hooks'

/** One turn of the event loop. Milliseconds. */
export interface Turn {
  readonly wall: number
  /** Time of the processor, of this thread alone. */
  readonly cpu: number
  /** Garbage collection in it, by the clock. */
  readonly gc: number
}

/** What was measured between `begin` and `end`. */
export interface Measured {
  /** The longest first. */
  readonly longest: readonly Turn[]
  readonly turns: number
  /** Time of the processor in all of them, milliseconds. */
  readonly cpu: number
}

/** How many turns are named. */
const MOST = 5

/** Time of the processor that this thread has had, nanoseconds (Linux: proc(5), `schedstat`). */
const threadTime = () => Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0])

/**
 * Measures each turn of the event loop. It never sleeps meanwhile, so that what is between two looks is work: of a timer, a socket, or
 * a collection of garbage.
 */
export class TurnMeter {
  #stop: () => void = () => {}
  #turns: { start: number; end: number; cpu: number }[] = []
  #collections: { start: number; end: number }[] = []

  begin(): void {
    this.#turns = []
    this.#collections = []
    const observer = new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries())
        this.#collections.push({ start: startTime, end: startTime + duration })
    })
    observer.observe({ entryTypes: ['gc'] })
    let isRunning = true
    let start = performance.now()
    let cpu = threadTime()
    const look = () => {
      if (!isRunning) return
      const end = performance.now()
      const now = threadTime()
      this.#turns.push({ start, end, cpu: (now - cpu) / 1e6 })
      start = performance.now()
      cpu = now
      setImmediate(look)
    }
    setImmediate(look)
    this.#stop = () => {
      isRunning = false
      observer.disconnect()
    }
  }

  /** Ends what {@link begin} began. Collections are told some turns later. */
  async end(): Promise<Measured> {
    await new Promise((resolve) => setTimeout(resolve, 20))
    this.#stop()
    const gcOf = (start: number, end: number) =>
      this.#collections.reduce(
        (sum, each) => sum + Math.max(0, Math.min(end, each.end) - Math.max(start, each.start)),
        0,
      )
    const longest = this.#turns
      .toSorted((a, b) => b.end - b.start - (a.end - a.start))
      .slice(0, MOST)
      .map(({ start, end, cpu }) => ({ wall: end - start, cpu, gc: gcOf(start, end) }))
    return {
      longest,
      turns: this.#turns.length,
      cpu: this.#turns.reduce((sum, { cpu }) => sum + cpu, 0),
    }
  }
}
