import type { ConditionKind } from './kind'
import { mxCondition } from './mx-hosts'

/** `$dnsmx:<match>`: any of the domain's MX hosts matches. `$dnsmx:!<match>`: none does, so also if there is no MX. */
export const dnsmx: ConditionKind = {
  name: 'dnsmx',
  form: '$dnsmx:[!]<match>',
  parse: (word, rest) =>
    mxCondition(word, rest, {
      name: 'dnsmx',
      mayNegate: true,
      holds: (hosts, matches, negated) => hosts.some(matches) !== negated,
    }),
}
