import { textCondition } from './textual'

/**
 * `$rcpt`: the recipient. Recipients of one message for which the decision differs are parted before it is sent
 * ({@link groupByRoute}), so that any of them speaks for all.
 */
export const rcpt = textCondition({ name: 'rcpt', value: ({ rcptTo }) => rcptTo[0] ?? '' })
