import { shortenTo } from '../model/printable'
import { LONGEST_REPLY } from '../model/reply'
import type { ReplyLine } from './reply-reader'

/** The code and a blank. */
const CODE_LENGTH = 4
/** A shorter rest would only show the dots for what is left out. */
const SHORTEST_REST = 4

/**
 * The part of a reply that Haraka sees: it writes all lines of it, unchanged, to its log and to reports to senders. So together they are
 * printable and have at most {@link LONGEST_REPLY} characters.
 */
export class ShownReply {
  #left = LONGEST_REPLY - CODE_LENGTH

  /** The text of one line as it is shown; undefined if the line is left out, because there was enough before it. */
  show({ text, last }: ReplyLine): string | undefined {
    const room = this.#left
    const shown = room < SHORTEST_REST ? '' : shortenTo(text, room)
    // Haraka puts a blank between two lines.
    this.#left = last ? LONGEST_REPLY - CODE_LENGTH : room - shown.length - 1
    return room < SHORTEST_REST && !last ? undefined : shown
  }
}
