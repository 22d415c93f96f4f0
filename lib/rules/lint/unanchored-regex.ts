import { conditionSpan } from '../places'
import type { LintRule } from './lint-rule'

/** A whole address between the slashes: a literal local part, `@`, a literal domain. */
const WHOLE_ADDRESS = /^\/((?:[\w+-]|\\?\.)+@(?:[\w-]+\\?\.)+[\w-]+)\/(i?)$/

/** A regular expression that is a whole address and yet matches any text that has it within. */
export const unanchoredRegex: LintRule = {
  code: 'unanchored-regex',
  find: ({ lines }) =>
    lines.flatMap((line) =>
      line.conditions.flatMap((condition) => {
        const [, address, flag] =
          WHOLE_ADDRESS.exec(condition.kind === 'match' ? condition.pattern : '') ?? []
        if (address === undefined) return []
        const literal = address.replaceAll('\\', '')
        const message = `${condition.text} matches any text with the address within it, as x${literal}`
        const help = { expected: 'a whole address', suggestion: `/^${address}$/${flag}` }
        return [{ span: conditionSpan(line, condition), lineKind: 'overrides' as const, message, help }]
      }),
    ),
}
