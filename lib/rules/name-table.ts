/** Items of one name, where there are several: most names are in a file once, and a list for each would take three times the memory. */
class Several<T> {
  constructor(readonly items: T[]) {}
}

const NOTHING: readonly never[] = Object.freeze([])

/** How many slots a table of so many hashes has, a power of two: at most half of them are taken. */
export const tableSize = (most: number): number => 2 ** Math.ceil(Math.log2(2 * most + 1))

/**
 * Items by name. Among 100,000 names what a look-up costs is memory that is in no cache of the processor: a `Map` compares the hash of
 * each name of a bucket, and reads each name for it. Here the hashes are in the slots, so that one slot and one name are read.
 * Its size is known from the beginning: to make a large table anew when it grows would hold up mail.
 */
export class NameTable<T> {
  /** Of each slot the hash of a name and its number, from 1; 0: the slot is free. */
  readonly #slots: Int32Array
  readonly #names: string[] = []
  readonly #items: (T | Several<T>)[] = []

  /** @param most names that are added */
  constructor(most: number) {
    this.#slots = new Int32Array(2 * tableSize(most))
  }

  /** @param name in memory of its own, see `copy-text.ts` */
  add(name: string, item: T): void {
    const hash = hashOf(name, 0)
    const at = this.#slotOf(name, 0, hash)
    const number = this.#slots[at + 1]!
    if (number === 0) {
      this.#names.push(name)
      this.#items.push(item)
      this.#slots[at] = hash
      this.#slots[at + 1] = this.#names.length
      return
    }
    const found = this.#items[number - 1]!
    if (found instanceof Several) found.items.push(item)
    else this.#items[number - 1] = new Several([found, item])
  }

  /**
   * The items of the name that a text is from `start` on, in the order in which they were added. The part of the text is not cut out:
   * that would make a string for each look-up.
   */
  find(text: string, start = 0): readonly T[] {
    if (this.isEmpty) return NOTHING
    const number = this.#slots[this.#slotOf(text, start, hashOf(text, start)) + 1]!
    if (number === 0) return NOTHING
    const found = this.#items[number - 1]!
    return found instanceof Several ? found.items : [found]
  }

  get isEmpty(): boolean {
    return this.#names.length === 0
  }

  /** Where a name is in the slots, or else the free slot where it would be. */
  #slotOf(text: string, start: number, hash: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    let at = (hash << 1) & mask
    for (let number = slots[at + 1]!; number !== 0; number = slots[at + 1]!) {
      if (slots[at] === hash && this.#names[number - 1] === text.slice(start)) break
      at = (at + 2) & mask
    }
    return at
  }
}

/** FNV-1a, and its high bits mixed into the low ones, which choose the slot. Names are the operator's: nobody else can make them collide. */
export function hashOf(text: string, start: number): number {
  let hash = 0x811c9dc5
  for (let index = start; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return hash ^ (hash >>> 15)
}
