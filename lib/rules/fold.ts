import { toPrintable } from '../model/printable'

const ASCII = /^[\0-\x7f]*$/

/**
 * Text as it is compared without regard to case: each character in lower case, as long as that is one character of the same
 * size (U+0130 would become two and no longer be "exactly one").
 */
export function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase()
  let folded = ''
  for (const character of text) {
    const lower = character.toLowerCase()
    folded += lower.length === character.length ? lower : character
  }
  return folded
}

/** The longest value that a reason shows. */
const LONGEST_SHOWN = 200

/** A value that a stranger may have written, as a reason may show it. */
export const shortenText = (text: string): string => toPrintable(text, { max: LONGEST_SHOWN })
