import { numericCondition, parseWhole } from './numeric'

/** `$retries`: delivery attempts already made for this message; 0 on the first. */
export const retries = numericCondition({
  name: 'retries',
  value: (message) => message.retries,
  expected: 'a whole number',
  example: '4',
  parse: parseWhole,
})
