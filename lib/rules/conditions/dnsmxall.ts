import { mxCondition } from './mx-hosts'

/** `$dnsmxall:<match>`: there is at least one MX, and all of them match. */
export const dnsmxall = mxCondition({ name: 'dnsmxall', form: '$dnsmxall:<match>', plain: 'all' })
