/** What {@link toPrintable} leaves as it is and how much. */
export interface PrintableOptions {
  /**
   * The most UTF-16 code units to keep; a longer text ends in `...`.
   *
   * @default all
   */
  readonly max?: number
  /**
   * Is it a line of a file? Its tabs stay, for its columns are counted, and blanks that only look like a space become `␣`.
   *
   * @default false
   */
  readonly line?: boolean
}

const PLAIN = /^[\x20-\x7e]*$/

/**
 * Characters that do more to a terminal or a log than stand there: C0 and C1 controls with line breaks and ESC, format
 * characters (bidirectional overrides, zero-width characters, the byte order mark, tag characters), line and paragraph
 * separators, lone surrogates, and everything else that is displayed as nothing at all (Unicode Default_Ignorable_Code_Point).
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u{e0000}]/gu

/** Blanks that are not the space: Unicode Space_Separator, and the blank pattern of Braille. */
const ODD_BLANK = /[^\P{Zs} ]|\u2800/gu
const OPEN_BOX = '\u2423'

const ELLIPSIS = '...'

/** A stranger's text as it is kept: printable, and at most `max` characters with the dots of what is left out. */
export function shortenTo(text: string, max: number): string {
  return text.length <= max ? toPrintable(text) : toPrintable(text, { max: max - ELLIPSIS.length })
}

/**
 * Text that a stranger wrote (an address, a DNS name, an SMTP reply, a line of a file) as it may be logged and displayed: on one
 * line, with U+FFFD in place of each code unit that could move the cursor, change the direction of the text or hide. Up to
 * `max` the length stays the same, so that columns still fit.
 *
 * @example toPrintable('250 \u001b[2Jok') === '250 \ufffd[2Jok'
 */
export function toPrintable(text: string, { max = Infinity, line = false }: PrintableOptions = {}): string {
  const kept = text.length > max ? `${text.slice(0, max)}${ELLIPSIS}` : text
  if (PLAIN.test(kept)) return kept
  const shown = kept.replace(UNPRINTABLE, (character) =>
    line && character === '\t' ? character : '\ufffd'.repeat(character.length),
  )
  return line ? shown.replace(ODD_BLANK, OPEN_BOX) : shown
}
