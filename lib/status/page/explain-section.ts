import { FAILED_STEPS } from '../../model/message'
import type { NoAnswer } from '../bounded-work'
import { choice } from './choice'
import { markup, multiline, type Html } from './html'
import { EXPLAIN_FIELDS, type ExplainField, LONGEST_FIELD, type PageQuery } from './query'

const TITLES: Readonly<Record<ExplainField, string>> = {
  to: 'Recipient or domain',
  sender: 'Sender',
  retries: 'Attempts already made',
  size: 'Size (10M)',
  authSender: 'Authenticated as',
  ageMs: 'Time in the queue (4h)',
  reply: 'Last reply (550 5.7.1 …)',
  failed: 'Last attempt failed at',
}

const STEPS = FAILED_STEPS.map((step) => [step, step === '' ? 'no step' : step] as const)

/**
 * The form that explains a message.
 *
 * @param answer as the command prints it, or why nothing is said; undefined: nothing was asked
 */
export function explainSection({ explain }: PageQuery, answer: string | NoAnswer | undefined): Html {
  const fields = EXPLAIN_FIELDS.map(({ field, parameter }) =>
    field === 'failed'
      ? choice(TITLES.failed, parameter, STEPS, explain.failed)
      : markup`<label>${TITLES[field]}<input name="${parameter}" value="${explain[field]}" maxlength="${LONGEST_FIELD}" autocomplete="off" spellcheck="false"></label>`,
  )
  return markup`<section id="explain" class="half" aria-labelledby="explain-title"><h2 id="explain-title">Explain a message</h2>
<form method="get" action="#explain">${fields}<button type="submit">Explain</button></form>
${answer === undefined ? markup`<p class="faint">Where would it go now, and why? Nothing is sent.</p>` : markup`<pre>${multiline(typeof answer === 'string' ? answer : answer.why)}</pre>`}</section>`
}
