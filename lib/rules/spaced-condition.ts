import type { Word, WordReader } from '../source/word'
import { CONDITIONS } from './conditions'
import { readOperator } from './operators'

/** `$size > 10M`, `$size >10M`, `$size> 10M`: how many words the condition is in; undefined if it is in one. */
function wordsOfCondition([first, second, third]: readonly Word[]): 2 | 3 | undefined {
  const [, name = '', rest = ''] = /^\$([a-z]+)(.*)$/is.exec(first?.text ?? '') ?? []
  if (second === undefined || second.text.startsWith('$') || CONDITIONS.get(name.toLowerCase()) === undefined)
    return undefined
  const operator = readOperator(rest)?.spelling
  // A condition on a text may have no value: what follows `$from=` is another mistake.
  if (operator !== undefined) return rest === operator && /^\d/.test(second.text) ? 2 : undefined
  const later = rest === '' ? readOperator(second.text)?.spelling : undefined
  if (later === undefined) return undefined
  return later === second.text ? (third === undefined || third.text.startsWith('$') ? undefined : 3) : 2
}

/** Reports each condition with white space around its operator, once; gives the words that are left to be read. */
export function reportSpacedConditions(
  words: readonly Word[],
  reader: (word: Word) => WordReader,
): { readonly words: readonly Word[]; readonly found: boolean } {
  // The usual case, and quick in a list of very many lines: each word begins a condition or an option.
  if (words.every(({ text }) => text.startsWith('$'))) return { words, found: false }
  const left: Word[] = []
  for (let index = 0; index < words.length;) {
    const count = wordsOfCondition(words.slice(index, index + 3))
    const parts = words.slice(index, index + (count ?? 1))
    const [first] = parts
    index += parts.length
    if (count === undefined) left.push(...parts)
    else if (first !== undefined) {
      const meant = parts.map(({ text }) => text).join('')
      const shown = parts.map((part) => reader(part).quote()).join('')
      reader(first).error('missing-operator', 'white space in a condition', {
        expected: 'no white space around the operator',
        suggestion: shown === meant ? meant : undefined,
      })
    }
  }
  return { words: left, found: left.length < words.length }
}
