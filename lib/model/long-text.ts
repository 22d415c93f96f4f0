/** A long text in parts, of which each but the last ends with the end of a line. To make one string of 10 MB would hold up mail. */
export type LongText = readonly string[]

/** A text as {@link LongText}: a string is its only part. */
export const partsOf = (text: string | LongText): LongText => (typeof text === 'string' ? [text] : text)

/** Makes a {@link LongText} of pieces that end anywhere. */
export class LongTextBuilder {
  readonly #parts: string[] = []
  /** What is after the last end of a line. */
  #rest: string[] = []

  add(piece: string): void {
    // A CR at its end may be the first half of a CRLF.
    const end = Math.max(piece.lastIndexOf('\n'), piece.slice(0, -1).lastIndexOf('\r')) + 1
    if (end > 0) {
      this.#parts.push([...this.#rest, piece.slice(0, end)].join(''))
      this.#rest = []
    }
    if (end < piece.length) this.#rest.push(piece.slice(end))
  }

  /** The text of all pieces; nothing is added after that. */
  build(): LongText {
    return this.#rest.length === 0 ? this.#parts : [...this.#parts, this.#rest.join('')]
  }
}
