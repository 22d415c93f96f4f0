/**
 * Characters that take two cells of a terminal: East_Asian_Width W and F (UAX #11), by the blocks in which they are, and what is
 * displayed as an emoji. It is a table of our own: libraries for it are ES modules only, and this line rarely changes.
 */
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u

/** Characters that are drawn over the one before. */
const COMBINING = /[\p{Mn}\p{Me}]/u

/**
 * How many cells of a terminal one character takes: 0, 1 or 2.
 *
 * @param character one code point, printable
 */
export function widthOfCharacter(character: string): number {
  if (character >= ' ' && character <= '~') return 1
  if (COMBINING.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

/** How many cells of a terminal a printable text without tabs takes. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of text) width += widthOfCharacter(character)
  return width
}
