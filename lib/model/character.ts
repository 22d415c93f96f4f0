/** What is pasted into a configuration by accident, by name (Unicode calls them so, or nearly). */
const NAMES: Readonly<Record<string, string>> = {
  '\u00a0': 'no-break space',
  '\u00ad': 'soft hyphen',
  '\u200b': 'zero-width space',
  '\u200c': 'zero-width non-joiner',
  '\u200d': 'zero-width joiner',
  '\u200e': 'left-to-right mark',
  '\u200f': 'right-to-left mark',
  '\u2010': 'Unicode hyphen',
  '\u2011': 'non-breaking hyphen',
  '\u2012': 'figure dash',
  '\u2013': 'en dash',
  '\u2014': 'em dash',
  '\u2018': 'curly quote',
  '\u2019': 'curly quote',
  '\u201c': 'curly quote',
  '\u201d': 'curly quote',
  '\u2026': 'ellipsis',
  '\u202f': 'narrow no-break space',
  '\u2060': 'word joiner',
  '\u2212': 'minus sign',
  '\u2800': 'blank Braille pattern',
  '\u3000': 'ideographic space',
  '\ufeff': 'byte order mark',
  '\ufffd': 'replacement character',
}

/**
 * A character as a message names it: `","`, `"❤" (U+2764)`, `the en dash "–" (U+2013)`, `the no-break space (U+00A0)`, `U+0301`.
 *
 * @param character one code point
 */
export function nameCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code > 0x20 && code < 0x7f) return `"${character}"`
  const number = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  const name = NAMES[character]
  const visible = /[\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u.test(character)
    ? ''
    : `"${character}"`
  const description = [name === undefined ? '' : `the ${name}`, visible]
    .filter((part) => part !== '')
    .join(' ')
  return description === '' ? number : `${description} (${number})`
}
