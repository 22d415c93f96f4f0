import type { Matcher } from './wildcard'

/** What reading `/.../` or `/.../i` gives. */
export type Regex =
  { readonly ok: true; readonly matches: Matcher } | { readonly ok: false; readonly problem: string }

/** RE2's own limits keep a program small; this one keeps reading it quick. */
const LONGEST = 1000

/** Is this value written as a regular expression? */
export const isRegex = (value: string) => value.startsWith('/')

/**
 * A regular expression between slashes, unanchored, case-sensitive unless an `i` follows. RE2 matches in time linear in the
 * text, whatever the expression; what it cannot do so (look-around, back-references) is an error here and not a surprise later.
 */
export function compileRegex(value: string): Regex {
  const match = /^\/(.*)\/([^/]*)$/s.exec(value)
  if (match === null || value.length < 2) {
    return {
      ok: false,
      problem: 'the regular expression is not closed (a value holds no white space: write \\s or \\x20)',
    }
  }
  const [, source = '', flags = ''] = match
  if (flags !== '' && flags !== 'i') {
    return { ok: false, problem: `unknown flag of a regular expression: the only one is i` }
  }
  if (source.length > LONGEST)
    return { ok: false, problem: `a regular expression of more than ${LONGEST} characters` }
  if (source === '') return { ok: false, problem: 'an empty regular expression matches everything' }
  // Loaded only when needed: its Unicode tables take longer to load than the rest of the command line program.
  const { RE2JS } = require('re2js') as typeof import('re2js')
  try {
    const regex = RE2JS.compile(source, flags === 'i' ? RE2JS.CASE_INSENSITIVE : 0)
    return { ok: true, matches: (text) => regex.test(text) }
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'not understood'
    return { ok: false, problem: `bad regular expression: ${reason}` }
  }
}
