import type { RuleSet } from '../../rules/compile'
import { recipientsOf, type Forecast } from '../../status/forecast/forecast'
import { EXIT, exitStatusOf } from '../shared/exit-status'
import { explanationJson } from './explanation-json'
import { timelineJson } from './timeline-json'

/** As `--json` prints it. Of several messages: each with its recipients. */
export function forecastsJson(forecasts: readonly Forecast[], rules: RuleSet): Record<string, unknown> {
  if (forecasts.length === 1) return forecastJson(forecasts[0]!, rules)
  const messages = forecasts.map((each) => ({ recipients: recipientsOf(each), ...forecastJson(each, rules) }))
  return { domain: forecasts[0]?.explanation.decision.domain, messages }
}

function forecastJson({ explanation, effect, timeline }: Forecast, rules: RuleSet): Record<string, unknown> {
  return {
    ...explanationJson(explanation, { effect, rules }),
    ...(timeline === undefined ? {} : { timeline: timelineJson(timeline) }),
  }
}

/** 68 if a message would bounce, else 75 if one would be deferred or waits, else 0. */
export function exitStatusOfForecasts(forecasts: readonly Forecast[]): number {
  const statuses = forecasts.map(({ explanation: { route }, effect }) =>
    route.outcome === 'deliver' && (effect?.wait ?? effect?.deferred) !== undefined
      ? EXIT.tempFail
      : exitStatusOf(route.outcome),
  )
  return [EXIT.noRoute, EXIT.tempFail].find((status) => statuses.includes(status)) ?? EXIT.ok
}
