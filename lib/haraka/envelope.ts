import { normalizeDomain } from '../rules/domain-pattern'
import type { Message } from '../model/message'
import type { HarakaAddress, HarakaConnection, HMailItem, Notes } from './types'

/** What is kept with the message in the queue file, under `dns_overrides`. Never a secret. */
interface OwnNotes {
  /** Attempts made before Haraka split the message. */
  attempts?: unknown
  /** User name the sender authenticated with. */
  auth_sender?: unknown
  /** The message's rotation offset, see `Message`. */
  turn?: unknown
}

const KEY = 'dns_overrides'

/** Our part of the notes; notes that somebody else has made into something strange are replaced. */
function ownNotes(notes: Notes): OwnNotes {
  const found = notes[KEY]
  if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found
  const made: OwnNotes = {}
  notes[KEY] = made
  return made
}

function wholeNumber(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}

/**
 * The text of an envelope address without angle brackets, as the client wrote it; '' for the null sender. Both of Haraka's
 * classes keep the local part in `user` (with its quotes) and the host as written in `original_host`.
 */
export function addressText(address: HarakaAddress & { original_host?: string }): string {
  const { user, host, original_host: written } = address
  if (typeof user !== 'string' || user === '') return ''
  // address-rfc2821 and email-address alike leave the host of a bare <postmaster> empty.
  const domain = written || host
  return typeof domain === 'string' && domain !== '' ? `${user}@${domain}` : user
}

/** Remembers with the message who handed it in; only the name. For the `mail` hook: AUTH comes before MAIL (RFC 4954). */
export function keepAuthSender(connection: HarakaConnection): void {
  const user = connection.notes?.auth_user
  const notes = connection.transaction?.notes
  if (typeof user === 'string' && user !== '' && notes) ownNotes(notes).auth_sender = user
}

/** Remembers the message's rotation offset. For the `pre_send_trans_email` hook, which every message passes, bounces as well. */
export function keepRotationOffset(connection: HarakaConnection, offset: number): void {
  const notes = connection.transaction?.notes
  if (notes) ownNotes(notes).turn = offset
}

/** Counts the attempts at each message, also after Haraka has split it. */
export class EnvelopeReader {
  readonly #earlier = new WeakMap<HMailItem, number>()

  /**
   * The message as the rules see it. Haraka 3.3.4 (`outbound/hmail.js` `split_to_new_recipients`) copies `todo.notes` into the
   * queue file of recipients that are tried again, and gives that file no attempts: so the attempts made until now are noted on
   * every attempt. What the note said when this message was first seen is what was made before the split; `num_failures` counts
   * on from there.
   */
  read(hmail: HMailItem): Message {
    const notes = ownNotes(hmail.todo.notes)
    let earlier = this.#earlier.get(hmail)
    if (earlier === undefined) {
      earlier = wholeNumber(notes.attempts)
      this.#earlier.set(hmail, earlier)
    }
    const retries = earlier + hmail.num_failures
    notes.attempts = retries
    return {
      domain: normalizeDomain(hmail.todo.domain) ?? hmail.todo.domain.toLowerCase(),
      mailFrom: addressText(hmail.todo.mail_from),
      authSender: typeof notes.auth_sender === 'string' ? notes.auth_sender : '',
      size: hmail.file_size - hmail.data_start,
      retries,
      rotationOffset: wholeNumber(notes.turn),
    }
  }
}
