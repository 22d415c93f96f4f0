import { textCondition } from './textual'

/** `$reply`: the last reply that refused the message, `550 5.7.1 text` on one line; empty if none. */
export const reply = textCondition({ name: 'reply', value: (message) => message.reply })
