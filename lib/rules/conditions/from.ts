import { textCondition } from './textual'

/** `$from`: the envelope sender; empty for the null sender. */
export const from = textCondition('from', (envelope) => envelope.mailFrom)
