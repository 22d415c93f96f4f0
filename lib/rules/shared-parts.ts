import type { Report } from '../source/report'

/** The most parts that are remembered: in a file in which each is another one, to remember them all would help nobody. */
const MOST = 4_096

/**
 * Parts of lines that are written alike, read once. Very many lines have one of a few targets, and one of a few lists of conditions: what
 * they share is kept once, and stays in the cache of the processor.
 */
export class SharedParts<T> {
  readonly #parts = new Map<string, T>()
  readonly #report: Report

  /** @param report to which `read` of {@link find} reports */
  constructor(report: Report) {
    this.#report = report
  }

  /**
   * The part of a line that is written so.
   *
   * @param read reads it where it is new. A part with a mistake or a warning is not shared: each line has its own
   */
  find(written: string, read: () => T | undefined): T | undefined {
    const known = this.#parts.get(written)
    if (known !== undefined) return known
    const before = this.#report.count
    const part = read()
    if (part !== undefined && this.#report.count === before && this.#parts.size < MOST) {
      this.#parts.set(written, part)
    }
    return part
  }
}
