import type { NoAnswer } from '../bounded-work'
import { markup, multiline, type Html } from './html'
import { EXPLAIN_FIELDS, type ExplainField, type PageQuery } from './query'

const TITLES: Readonly<Record<ExplainField, string>> = {
  to: 'Recipient or domain',
  sender: 'Sender',
  auth: 'Authenticated as',
  size: 'Size (10M)',
  retries: 'Attempts already made',
}

/**
 * The form that explains a message.
 *
 * @param answer as the command prints it, or why nothing is said; undefined: nothing was asked
 */
export function explainSection({ explain }: PageQuery, answer: string | NoAnswer | undefined): Html {
  const fields = EXPLAIN_FIELDS.map(
    (name) =>
      markup`<label>${TITLES[name]}<input name="${name}" value="${explain[name]}" maxlength="320" autocomplete="off" spellcheck="false"></label>`,
  )
  return markup`<section id="explain" class="half" aria-labelledby="explain-title"><h2 id="explain-title">Explain a message</h2>
<form method="get" action="#explain">${fields}<button type="submit">Explain</button></form>
${answer === undefined ? markup`<p class="faint">Where would it go now, and why? Nothing is sent.</p>` : markup`<pre>${multiline(typeof answer === 'string' ? answer : answer.why)}</pre>`}</section>`
}
