import { addAttempt, hashLine, MOST_RESCUES, type MessageNotes } from '../haraka-files/notes'
import { replaceNotes } from '../haraka-files/queue-header'
import type { Decision } from '../model/decision'
import { isPermanent } from '../model/reply'
import {
  describeAttemptOrigin,
  describeAttemptServer,
  type FailedAttempt,
  type Setback,
} from './delivery/setback'
import type { MessageReader } from './envelope'
import type { HMailItem } from '../haraka-objects/outbound'
import type { Loggable } from '../haraka-objects/plugin'

/** The hashes of the lines that read a reply and by which a message was sent. */
export function replyLinesOf({ onRefusal }: Pick<Decision, 'onRefusal'>): readonly string[] {
  return onRefusal?.replyLines.map(({ text }) => hashLine(text)) ?? []
}

/**
 * The reply that `$reply` is after a setback. If the server that a rescuing line leads to only fails for now, what the message was
 * rescued from stays: else the next attempt would go where the message is refused, and bounce.
 *
 * @param sentBy see {@link replyLinesOf}
 */
export function replyAfter(
  { reply, rescued }: Pick<MessageNotes, 'reply' | 'rescued'>,
  setback: Setback,
  sentBy: readonly string[],
): string {
  if (setback.reply === undefined) return reply
  const isRescue = sentBy.some((hash) => rescued.includes(hash))
  return isRescue && !isPermanent(setback.reply) ? reply : setback.reply.text
}

/** What is known of a message after an attempt that did not deliver it. */
function addFailedAttempt(
  notes: MessageNotes,
  attempt: FailedAttempt,
  sentBy: readonly string[],
  at: number,
): MessageNotes {
  const { setback, connection, rescuedBy } = attempt
  const { failed, text } = setback
  const note = {
    at,
    by: describeAttemptOrigin(attempt),
    server: describeAttemptServer(attempt),
    tls: connection?.encrypted ?? false,
    failed,
    text,
  }
  return {
    ...addAttempt(notes, note),
    reply: replyAfter(notes, setback, sentBy),
    failed,
    rescued: [...new Set([...notes.rescued, ...rescuedBy.map(hashLine)])].slice(-MOST_RESCUES),
  }
}

/**
 * Remembers what became of the attempts of a message, with the message: in memory, and in its file in the queue folder, so that it
 * is known after a restart or a crash too.
 */
export class MessageMemory {
  readonly #messages: MessageReader
  readonly #now: () => number

  /** @param now milliseconds since the epoch */
  constructor(messages: MessageReader, now: () => number) {
    this.#messages = messages
    this.#now = now
  }

  /**
   * Remembers the end of an attempt, in memory and in the queue file. Never rejects: a message whose file cannot be written (the disk
   * is full) goes on with what is in memory.
   *
   * To be called while Haraka does not read the file: just before the message is deferred.
   */
  async keep(
    hmail: HMailItem,
    attempt: FailedAttempt,
    sentBy: readonly string[],
    log: Pick<Loggable, 'logwarn'>,
  ): Promise<void> {
    this.#messages.change(hmail, (notes) => addFailedAttempt(notes, attempt, sentBy, this.#now()))
    try {
      const { size, dataStart } = await this.#write(hmail)
      hmail.file_size = size
      hmail.data_start = dataStart
    } catch (error) {
      log.logwarn(`the notes of this message could not be written to its queue file: ${String(error)}`)
    }
  }

  /** As {@link keep}, in memory only and for as long as the work lasts: a copy of the message that Haraka makes has it in its file. */
  lend(hmail: HMailItem, attempt: FailedAttempt, sentBy: readonly string[], work: () => void): void {
    let before: MessageNotes | undefined
    this.#messages.change(hmail, (notes) => {
      before = notes
      return addFailedAttempt(notes, attempt, sentBy, this.#now())
    })
    try {
      work()
    } finally {
      this.#messages.change(hmail, (notes) => before ?? notes)
    }
  }

  /** Haraka removes temporary files when a worker takes over the queue of another, those of this worker too: once more, then. */
  async #write(hmail: HMailItem): ReturnType<typeof replaceNotes> {
    const notes = this.#messages.notesForFile(hmail)
    try {
      return await replaceNotes(hmail.path, notes)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return await replaceNotes(hmail.path, notes)
    }
  }
}
