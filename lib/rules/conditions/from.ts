import { textCondition } from './textual'

/** `$from`: the envelope sender; empty for the null sender, which may be written `<>` as SMTP does (RFC 5321 section 4.5.5). */
export const from = textCondition({ name: 'from', value: (message) => message.mailFrom, empty: '<>' })
