import { finish, type Steps, workAWhile } from '../model/steps'
import { overwriteInSteps } from './private-file'

/** The greatest part of its time that a process writes one file: what takes 60 ms is written every 3 s at most. */
const LARGEST_SHARE = 0.02

export interface PacedFileOptions {
  readonly folder: string
  readonly name: string
  /** Time until a change is written, with all that changed meanwhile. Milliseconds. */
  readonly delayMs: number
  /** The content as it is now, part by part. */
  readonly format: () => Iterable<string>
  /** A change could not be written; again only after one that could. */
  readonly onError: (error: Error) => void
}

/** A file that is written anew when something has changed: in steps, so that mail goes on meanwhile, and less often if it takes long. */
export class PacedFile {
  readonly #options: PacedFileOptions
  #timer: NodeJS.Timeout | undefined
  /** Under way. */
  #steps: Steps<void> | undefined
  #next: NodeJS.Immediate | undefined
  #hasChangedSince = false
  /** How long the last one took, or this one until now, milliseconds. */
  #cost = 0
  #isFailing = false

  constructor(options: PacedFileOptions) {
    this.#options = options
  }

  /** Could the last change not be written? */
  get isFailing(): boolean {
    return this.#isFailing
  }

  /** Something has changed: it is written soon. */
  noteChange(): void {
    if (this.#steps !== undefined) this.#hasChangedSince = true
    else {
      const delay = Math.max(this.#options.delayMs, this.#cost / LARGEST_SHARE)
      this.#timer ??= setTimeout(() => this.write(), delay).unref()
    }
  }

  /** Writes what is so now, and begins at once: what is short is written before this returns. */
  write(): void {
    this.#stop()
    this.#begin()
    this.#workOn()
  }

  /** Writes what is not yet written. */
  close(): void {
    if (this.#timer === undefined && this.#steps === undefined) return
    this.#stop()
    this.#begin()
    this.#attempt((steps) => finish(steps))
    this.#steps = undefined
  }

  #begin(): void {
    const { folder, name, format } = this.#options
    this.#cost = 0
    this.#hasChangedSince = false
    this.#steps = overwriteInSteps(folder, name, format())
  }

  #stop(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#next)
    this.#timer = undefined
    this.#steps?.return()
    this.#steps = undefined
  }

  #workOn(): void {
    const start = performance.now()
    const isDone = this.#attempt((steps) => workAWhile(steps).done === true)
    this.#cost += performance.now() - start
    if (isDone === false) {
      this.#next = setImmediate(() => this.#workOn())
      return
    }
    this.#steps = undefined
    if (this.#hasChangedSince) this.noteChange()
  }

  /** @returns what the work returns; undefined if it fails */
  #attempt<T>(work: (steps: Steps<void>) => T): T | undefined {
    try {
      const result = work(this.#steps!)
      this.#isFailing = false
      return result
    } catch (error) {
      // A full disk may have room again: tried with the next change.
      const isNews = !this.#isFailing
      this.#isFailing = true
      if (isNews) this.#options.onError(error as Error)
      return undefined
    }
  }
}
