import { Session } from 'node:inspector'
import type { Steps } from '../../lib/model/steps'

/** How often one place of the code ran. */
export interface CodeCount {
  readonly count: number
  /** Its function, file and place in the file. */
  readonly where: string
}

/** Counts how often each place in the compiled code of lib/ runs. Neither the clock nor a busy machine changes the counts. */
export class CodeCounter {
  readonly #session = new Session()

  constructor() {
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** The place that has run most often since the last time. */
  most(): CodeCount {
    let most: CodeCount = { count: 0, where: '' }
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error
      for (const { url, functions } of result.filter((script) => script.url.includes('/build/lib/'))) {
        for (const { functionName, ranges } of functions) {
          for (const { count, startOffset } of ranges) {
            if (count > most.count) most = { count, where: `${functionName} of ${url}:${startOffset}` }
          }
        }
      }
    })
    return most
  }

  /** Does work in steps. @returns its result, and the most often that one place has run in one step */
  watch<T>(steps: Steps<T>): { readonly result: T; readonly most: CodeCount } {
    this.most()
    let most: CodeCount = { count: 0, where: '' }
    for (;;) {
      const step = steps.next()
      const now = this.most()
      if (now.count > most.count) most = now
      if (step.done === true) return { result: step.value, most }
    }
  }

  close(): void {
    this.#session.disconnect()
  }
}
