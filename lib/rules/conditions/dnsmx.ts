import { mxCondition } from './mx-hosts'

/** `$dnsmx:<match>`: any of the domain's MX hosts matches. `$dnsmx:!<match>`: none does, so also if there is no MX. */
export const dnsmx = mxCondition({ name: 'dnsmx', form: '$dnsmx:[!]<match>', plain: 'any', negated: 'none' })
