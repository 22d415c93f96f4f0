import { normalizeDomain } from '../rules/domain-pattern'
import { addressText } from '../haraka-files/address-text'
import { NOTES_KEY, readNotes, writeNotes, type MessageNotes } from '../haraka-files/notes'
import type { Message } from '../model/message'
import type { HarakaConnection, Notes } from '../haraka-objects/plugin'
import type { HMailItem } from '../haraka-objects/outbound'

/** Changes our part of the notes; one that is not an object is replaced. */
function changeNotes(notes: Notes, change: (own: MessageNotes) => MessageNotes): void {
  notes[NOTES_KEY] = writeNotes(change(readNotes(notes[NOTES_KEY])))
}

/** Remembers with the message who handed it in; only the name. For the `mail` hook: AUTH comes before MAIL (RFC 4954). */
export function keepAuthSender(connection: HarakaConnection): void {
  const user = connection.notes?.auth_user
  const notes = connection.transaction?.notes
  if (typeof user === 'string' && user !== '' && notes) {
    changeNotes(notes, (own) => ({ ...own, authSender: user }))
  }
}

/** Remembers the message's rotation offset. For the `pre_send_trans_email` hook, which every message passes, bounces as well. */
export function keepRotationOffset(connection: HarakaConnection, offset: number): void {
  const notes = connection.transaction?.notes
  if (notes) changeNotes(notes, (own) => ({ ...own, rotationOffset: offset }))
}

/** Counts the attempts at each message, also after Haraka has split it, and remembers how they ended. */
export class MessageReader {
  readonly #now: () => number
  readonly #earlier = new WeakMap<HMailItem, number>()

  /** @param now milliseconds since the epoch */
  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /**
   * The message as the rules see it. Haraka 3.3.4 (`outbound/hmail.js` `split_to_new_recipients`) copies `todo.notes` into the
   * queue file of recipients that are tried again, and gives that file no attempts: so the attempts made until now are noted on
   * every attempt. What the note said when this message was first seen is what was made before the split; `num_failures` counts
   * on from there.
   */
  read(hmail: HMailItem): Message {
    const { todo } = hmail
    const notes = readNotes(todo.notes[NOTES_KEY])
    const earlier = this.#earlier.get(hmail) ?? notes.attempts
    const retries = earlier + hmail.num_failures
    // At the first attempt of a message the note says 0, and will at the next: most messages have only one, and to remember it in a
    // WeakMap costs more than to read it.
    if (retries > 0) this.#earlier.set(hmail, earlier)
    todo.notes[NOTES_KEY] = writeNotes({ ...notes, attempts: retries })
    const { authSender, rotationOffset, reply, failed } = notes
    return {
      domain: normalizeDomain(todo.domain) ?? todo.domain.toLowerCase(),
      mailFrom: addressText(todo.mail_from),
      rcptTo: todo.rcpt_to.map(addressText),
      authSender,
      size: hmail.file_size - hmail.data_start,
      ageMs: Math.max(0, this.#now() - (todo.queue_time ?? this.#now())),
      retries,
      reply,
      failed,
      rotationOffset,
    }
  }

  /** The notes as a queue file of this message has them, whose name counts the attempts since the split. */
  notesForFile(hmail: HMailItem): Record<string, unknown> {
    const notes = readNotes(hmail.todo.notes[NOTES_KEY])
    return writeNotes({ ...notes, attempts: this.#earlier.get(hmail) ?? notes.attempts })
  }

  /** Changes what is remembered with the message, in memory. */
  change(hmail: HMailItem, change: (notes: MessageNotes) => MessageNotes): void {
    changeNotes(hmail.todo.notes, change)
  }
}
