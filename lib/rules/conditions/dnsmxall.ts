import type { ConditionKind } from './kind'
import { mxCondition } from './mx-hosts'

/** `$dnsmxall:<match>`: there is at least one MX, and all of them match. */
export const dnsmxall: ConditionKind = {
  name: 'dnsmxall',
  form: '$dnsmxall:<match>',
  parse: (word, rest) =>
    mxCondition(word, rest, {
      name: 'dnsmxall',
      mayNegate: false,
      holds: (hosts, matches) => hosts.length > 0 && hosts.every(matches),
    }),
}
