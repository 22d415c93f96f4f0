import type { PlacedWord, Range } from '../source/mask'
import { isHostLike, isOpenField } from './mask-words'

/** What people put between the fields of a target, beside `:` and `@`: any sign that no host name has. */
const SEPARATOR = /(?:[|;,/\\!&+~^#%<>(){}"'`$\s\u2190-\u21ff\uff0c\uff0f\uff1b\uff5c\u3001]|::|[=-]>)+/
/** Blanks that look like a space, and so the words that they separate. */
const BLANK = /^\s+$/

/** Does the text hold a separator of fields? */
export const hasSeparator = (text: string) => SEPARATOR.test(text)

/** The text up to its first separator. */
export const firstField = (text: string) => text.split(SEPARATOR, 1)[0]!

interface Field extends Range {
  readonly text: string
}

/** The parts of a word between separators. */
function fieldsOf({ text, start }: PlacedWord): {
  readonly fields: readonly Field[]
  readonly signs: readonly string[]
} {
  const signs = [...text.matchAll(new RegExp(SEPARATOR, 'g'))]
  const fields: Field[] = []
  let begin = 0
  for (const end of [...signs.map(({ index }) => index), text.length]) {
    const field = text.slice(begin, end)
    if (field !== '') fields.push({ text: field, start: start + begin, end: start + end })
    begin = end + (signs.find(({ index }) => index === end)?.[0].length ?? 0)
  }
  return { fields, signs: signs.map(([sign]) => sign) }
}

/** `mx1,mx2,mx3`: hosts of one label with a number each. */
function areNumbered(fields: readonly Field[]): boolean {
  const stems = fields.map(({ text }) => /^([a-z-]+)\d{1,3}$/.exec(text)?.[1])
  return stems[0] !== undefined && stems.every((stem) => stem === stems[0])
}

/**
 * What to mask of a target whose fields are not separated as they should be: `host|port|user|password`, in any order and with any
 * sign. Which field is the password cannot be seen, so all are masked that are neither the host nor a port.
 */
export function secretsOfFields(word: PlacedWord): readonly Range[] {
  const { fields, signs } = fieldsOf(word)
  if (signs.length === 0 || areNumbered(fields)) return []
  const isOpen = ({ text }: Field) => isOpenField(text)
  const first = fields.findIndex((field) => !isOpen(field))
  const from = fields[first]
  if (from === undefined) return []
  if (fields.length === 2 && signs.every((sign) => BLANK.test(sign))) return []
  const hasHost = fields.slice(0, first).some(({ text }) => isHostLike(text))
  const hosts = fields.slice(first).filter(({ text }) => isHostLike(text))
  const [host] = hosts
  if (hasHost || host === undefined || hosts.length > 1) return [{ start: from.start, end: word.end }]
  // Beside the one host a number is a port, and all else may be the password.
  const before = fields[fields.indexOf(host) - 1]
  const after = fields.slice(fields.indexOf(host) + 1).find((field) => !isOpen(field))
  return [
    ...(before === undefined ? [] : [{ start: from.start, end: before.end }]),
    ...(after === undefined ? [] : [{ start: after.start, end: word.end }]),
  ]
}
