import type { DecisionEntry } from './facts'

/** What came of a decision, in the words of the status page. */
export const RESULTS = [
  'under way',
  'delivered',
  'not delivered',
  'held',
  'waiting',
  'waited',
  'deferred',
  'bounced',
] as const
/** One of {@link RESULTS}. */
export type Result = (typeof RESULTS)[number]

/** A decision with what came of it. */
export interface DecisionResult {
  readonly entry: DecisionEntry
  readonly result: Result
}

/** The decisions with what came of them, in their order. @param decisions newest first */
export function listResults(decisions: readonly DecisionEntry[]): readonly DecisionResult[] {
  const later = new Set<string>()
  return decisions.map((entry) => {
    const result = resultOf(entry)
    const isOver = later.has(entry.id) && (result === 'held' || result === 'waiting')
    if (entry.id !== '') later.add(entry.id)
    return { entry, result: isOver ? 'waited' : result }
  })
}

/** How an attempt ended, in the words of log and page. */
export function resultOfEnd({
  delivered,
  bounced = false,
}: {
  readonly delivered: boolean
  readonly bounced?: boolean
}): Result {
  if (delivered) return 'delivered'
  return bounced ? 'bounced' : 'not delivered'
}

/** `not delivered`: servers were asked, none has taken the message, and it is not known to have bounced. `waited`: it was decided anew after that. */
function resultOf({ action, wait, end }: DecisionEntry): Result {
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
      return end === undefined ? 'under way' : resultOfEnd(end)
    default:
      return action satisfies never
  }
}
