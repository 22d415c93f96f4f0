import { nameCharacter } from '../model/character'
import { findDisallowedCharacter } from '../model/domain'
import type { Fault } from './values'

/**
 * What is wrong with a host. Names a character that is pasted by accident, such as a curly quote. What may hold a password is not
 * looked at.
 *
 * @param value the whole value of the setting
 * @param name the end of it that should be a host
 */
export function badHost(value: string, name: string, expected: string): Fault & { readonly ok: false } {
  const odd = /[@:/|;,\s]/.test(name) ? undefined : findDisallowedCharacter(name)
  if (odd === undefined || odd.character < '\x80') return { ok: false, expected }
  const start = value.length - name.length + odd.start
  const problem = `${nameCharacter(odd.character)} is not allowed in a host name`
  return { ok: false, problem, expected, at: { start, end: start + odd.character.length } }
}
