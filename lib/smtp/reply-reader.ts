import { shortenTo } from '../model/printable'
import { LONGEST_REPLY, type Reply } from '../model/reply'

/**
 * One line of a reply: RFC 5321 section 4.2, with the codes that Haraka 3.3.4 knows (`smtp_regexp` in `outbound/hmail.js`). The last line
 * may be the code alone, which Haraka does not know.
 */
export interface ReplyLine {
  readonly code: string
  readonly text: string
  /** No line of this reply follows. */
  readonly last: boolean
}

/** What one line is: part of a reply, its end, or not SMTP at all. */
export type LineReading =
  | { readonly kind: 'more'; readonly line: ReplyLine }
  | { readonly kind: 'reply'; readonly line: ReplyLine; readonly reply: Reply }
  | { readonly kind: 'fault'; readonly message: string }

/** Tested, and the rest cut off by its place: groups would be 5 kB of garbage a message. */
const REPLY_LINE = /^[2345]\d\d(?:[ -]|\r?\n?$)/
const CODE_LENGTH = 3
/** RFC 3463 section 2. */
const ENHANCED_CODE = /^([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)/
/** The most lines of a reply: no greeting and no list of extensions has more. Haraka keeps all lines of a reply until its last. */
const MOST_LINES = 500

/** Puts the lines of a server together to replies, of which it keeps no more than is ever shown. */
export class ReplyReader {
  #lines = 0
  #enhanced: string | undefined
  #text = ''

  /**
   * Takes one line, with or without its end.
   *
   * @param received without the password
   */
  read(received: string): LineReading {
    if (!REPLY_LINE.test(received))
      return { kind: 'fault', message: `its reply is not SMTP: ${shorten(received.trim())}` }
    const code = received.slice(0, CODE_LENGTH)
    const text = received.slice(CODE_LENGTH + 1, endOfText(received))
    if (this.#lines >= MOST_LINES) {
      return { kind: 'fault', message: `its reply has more than ${MOST_LINES} lines` }
    }
    this.#lines++
    this.#keep(text)
    const line = { code, text, last: received[CODE_LENGTH] !== '-' }
    return line.last ? { kind: 'reply', line, reply: this.#finish(code) } : { kind: 'more', line }
  }

  /** Forgets the lines of a reply that has not ended. */
  reset(): void {
    this.#lines = 0
    this.#enhanced = undefined
    this.#text = ''
  }

  /** Servers repeat the enhanced code on each line (RFC 2034 section 4). */
  #keep(text: string): void {
    const enhanced = ENHANCED_CODE.exec(text)
    this.#enhanced ??= enhanced?.[1]
    if (this.#text.length > LONGEST_REPLY) return
    const rest = (enhanced === null ? text : text.slice(enhanced[0].length)).trim()
    const kept = rest.length > LONGEST_REPLY ? rest.slice(0, LONGEST_REPLY + 1) : rest
    this.#text = this.#text === '' ? kept : `${this.#text} ${kept}`
  }

  #finish(code: string): Reply {
    const enhanced = this.#enhanced
    const rest = this.#text === '' ? '' : ` ${this.#text}`
    const text = shorten(enhanced === undefined ? `${code}${rest}` : `${code} ${enhanced}${rest}`)
    this.reset()
    // Written out: `...(a ? { b } : {})` would be half a kilobyte of garbage for each reply.
    return enhanced === undefined ? { code: Number(code), text } : { code: Number(code), enhanced, text }
  }
}

/** Where the text ends: before CR LF, a bare LF, or a bare CR at the end. */
function endOfText(line: string): number {
  const end = line.endsWith('\n') ? line.length - 1 : line.length
  return line[end - 1] === '\r' ? end - 1 : end
}

/** A server's text in the form in which it is kept: printable, and at most {@link LONGEST_REPLY} characters. */
export function shorten(text: string): string {
  return shortenTo(text, LONGEST_REPLY)
}
