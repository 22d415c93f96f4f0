import { finish, type Steps, workAWhile } from '../model/steps'
import { overwriteInSteps } from './private-file'

/** The greatest part of its time that a process spends on writing one file: if that takes 60 ms, it writes every 3 s at most. */
const LARGEST_SHARE = 0.02

export interface PacedFileOptions {
  readonly folder: string
  readonly name: string
  /** Time until a change is written, with all that changed meanwhile. Milliseconds. */
  readonly delayMs: number
  /** The current content, part by part. */
  readonly format: () => Iterable<string>
  /** Called when a change cannot be written, and again only after one that can. */
  readonly onError: (error: Error) => void
}

/** A file that is written again after each change: in steps, so that mail goes on meanwhile, and less often if it takes long. */
export class PacedFile {
  readonly #options: PacedFileOptions
  #timer: NodeJS.Timeout | undefined
  /** Under way. */
  #steps: Steps<void> | undefined
  #next: NodeJS.Immediate | undefined
  #hasChangedSince = false
  /** How long the last writing took, or this one until now, milliseconds. */
  #cost = 0
  #isFailing = false

  constructor(options: PacedFileOptions) {
    this.#options = options
  }

  /** Could the last change not be written? */
  get isFailing(): boolean {
    return this.#isFailing
  }

  /** Something has changed: the file is written soon. */
  noteChange(): void {
    if (this.#steps !== undefined) this.#hasChangedSince = true
    else {
      const delay = Math.max(this.#options.delayMs, this.#cost / LARGEST_SHARE)
      this.#timer ??= setTimeout(() => this.write(), delay).unref()
    }
  }

  /** Writes the current content and begins at once: a short file is written before this returns. */
  write(): void {
    this.#stop()
    this.#begin()
    this.#workOn()
  }

  /** Writes the changes that are not yet written. */
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
      // A full disk may have room again: the next change tries it.
      const isNews = !this.#isFailing
      this.#isFailing = true
      if (isNews) this.#options.onError(error as Error)
      return undefined
    }
  }
}
