import { textCondition } from './textual'

/** `$authsender`: the user name that the sender authenticated with; empty if none. */
export const authSender = textCondition({ name: 'authsender', value: (message) => message.authSender })
