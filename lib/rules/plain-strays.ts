import { KEYS, type KeyedSection } from '../config/keys'
import { isHostLike, isName, isPlainWord, SECRETIVE } from '../config/mask-words'
import type { PlacedWord } from '../source/mask'

/** Words that stand between others in other formats and in sentences. */
const GLUE =
  /^(?:direct|relay|bounce|defer|port|host|via|use|to|if|and|or|not|when|then|for|with|tls|ssl|starttls|mx)$/i

/** Of a condition with white space in it: an operator, perhaps with its number. */
const OPERATOR = /^(?:[=<>!~⇐]{1,2})?(?:\d{1,5}(?:[KMG]B?)?)?$/i

/** `tls=yes`, `port=587`: settings of which the value is not a secret. */
function isPlainSetting(text: string): boolean {
  const [, key = '', value = ''] = /^([a-z_]+)=(.*)$/.exec(text) ?? []
  const isKnown = (Object.keys(KEYS) as KeyedSection[]).some((section) =>
    (KEYS[section] as readonly string[]).includes(key),
  )
  return isKnown && !SECRETIVE.test(key) && (isPlainWord(value) || isHostLike(value))
}

/** A word after the target that is not a qualifier and may be shown: a port, a word of the language. */
export const isPlainStray = ({ text }: PlacedWord): boolean =>
  text === '$' || OPERATOR.test(text) || GLUE.test(text) || isPlainSetting(text)

/** `$foo`, `$foo>=4`: a condition that does not exist; `$fred:password` is not one. */
export const isUnknownCondition = ({ text }: PlacedWord): boolean => /^\$[a-z]+(?:[=<>!~]+.*)?$/i.test(text)

/**
 * May a word be shown that stands after a target, and is neither a qualifier nor a word of the language?
 *
 * @param others those beside it: of two words the second may be a password
 */
export function isHarmless(word: PlacedWord, others: readonly PlacedWord[]): boolean {
  const { text } = word
  if (isHostLike(text.replace(/^\./, ''))) return true
  if (!others.every((other) => other === word || isUnknownCondition(other) || isHostLike(other.text)))
    return false
  const [, name = text, value = ''] = /^\$([a-z]+)(?:[=<>!~]+(.*))?$/i.exec(text) ?? []
  return (isName(name) || text.length === 1) && (value === '' || isPlainWord(value) || isName(value))
}
