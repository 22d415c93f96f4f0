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
const SHOWN = 200

/**
 * A value that a stranger may have written, as a reason may show it: on one line, without what moves a terminal's cursor, and
 * not without end.
 */
export function shown(text: string): string {
  const clean = text.replace(/\p{Cc}|[\u2028-\u202e\u2066-\u2069]/gu, '\ufffd')
  return clean.length > SHOWN ? `${clean.slice(0, SHOWN)}...` : clean
}
