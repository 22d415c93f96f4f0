import type { DecisionEntry } from './facts'

/** What came of a decision, in the words of the status page. */
export const RESULTS = [
  'under way',
  'delivered',
  'not delivered',
  'held',
  'waiting',
  'deferred',
  'bounced',
] as const
/** One of {@link RESULTS}. */
export type Result = (typeof RESULTS)[number]

/** What came of a decision. `not delivered`: servers were asked, and none has taken the message. */
export function resultOf({ action, wait, end }: DecisionEntry): Result {
  if (wait !== undefined) return wait === 'held' ? 'held' : 'waiting'
  switch (action) {
    case 'bounce':
      return 'bounced'
    case 'defer':
      return 'deferred'
    case 'hold':
      return 'held'
    case 'wait':
      return 'waiting'
    case 'try':
      if (end === undefined) return 'under way'
      return end.delivered ? 'delivered' : 'not delivered'
    default:
      return action satisfies never
  }
}
