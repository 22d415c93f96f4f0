import { exchangeJson, listTriedExchanges, type Explanation } from '../../status/explanation'
import type { Effect } from '../../status/effect'
import type { RuleSet } from '../../rules/compile'
import { traceAllLines } from '../../rules/decide'
import type { LineTrace } from '../../rules/types'

/**
 * An explanation as `--json` prints it. `reason` is there only if the message is not sent now.
 *
 * @param effect what the running server changes: an exchange that is not usable says so in `unavailable`, and a message that
 * waits is deferred
 * @param rules absent: the lines are left out
 */
export function explanationJson(
  explanation: Explanation,
  { effect, rules }: { readonly effect?: Effect | undefined; readonly rules?: RuleSet } = {},
): Record<string, unknown> {
  const { decision, route } = explanation
  const wait = route.outcome === 'deliver' ? effect?.wait : undefined
  const deferred = route.outcome === 'deliver' ? effect?.deferred : undefined
  const reason = deferred ?? (wait === undefined ? route.noRoute?.message : wait)
  return {
    domain: decision.domain,
    outcome: wait === undefined && deferred === undefined ? route.outcome : 'defer',
    source: decision.source,
    matched: decision.matched,
    exchanges: listTriedExchanges(explanation).map((exchange) => {
      const unavailable = effect?.notes.get(exchange)
      return { ...exchangeJson(exchange), ...(unavailable === undefined ? {} : { unavailable }) }
    }),
    ...(rules === undefined ? {} : { lines: traceAllLines(rules, decision).map(lineJson) }),
    ...(reason === undefined ? {} : { reason }),
  }
}

const lineJson = (trace: LineTrace) =>
  trace.matched
    ? { line: trace.line, matched: true }
    : { line: trace.line, matched: false, reason: trace.reason }
