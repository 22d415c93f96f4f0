import { shortenTo } from '../model/printable'
import { LONGEST_REPLY } from '../model/reply'
import type { ReplyLine } from './reply-reader'

/** The code and a blank. */
const CODE_LENGTH = 4
/** A rest that is shorter would be nothing but the dots of what is left out. */
const SHORTEST_REST = 4

/**
 * What Haraka is shown of a reply: it puts all lines of it, as they are, into its log and into reports to senders. So together they are
 * printable and have at most {@link LONGEST_REPLY} characters.
 */
export class ShownReply {
  #left = LONGEST_REPLY - CODE_LENGTH

  /** The text of one line as it is shown; undefined if the line is left out: there was enough before. */
  show({ text, last }: ReplyLine): string | undefined {
    const room = this.#left
    const shown = room < SHORTEST_REST ? '' : shortenTo(text, room)
    // Haraka puts a blank between two lines.
    this.#left = last ? LONGEST_REPLY - CODE_LENGTH : room - shown.length - 1
    return room < SHORTEST_REST && !last ? undefined : shown
  }
}
