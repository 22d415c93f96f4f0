import type { RuleSet } from '../../rules/compile'
import { explanationText } from '../explanation-text'
import type { Paint } from '../paint'
import { formatCount } from '../wording'
import { recipientsOf, type Forecast } from './forecast'
import { timelineText } from './timeline'

/** The title of what becomes of a message of the queue. */
export const NOW_TITLE = 'By the rules as they are now'

/** How forecasts are printed. */
export interface ForecastOptions {
  /** What the message is called. One of several into which it is divided is called by its recipients. */
  readonly title: string
  readonly rules: RuleSet
  /** The configuration, as the reader would name it. */
  readonly file: string
  /** Print the lines for other domains too. */
  readonly all: boolean
  readonly ink: Paint
}

/** The message for a reader, or the messages into which it is divided. */
export function forecastsText(forecasts: readonly Forecast[], options: ForecastOptions): string {
  if (forecasts.length === 1) return forecastText(forecasts[0]!, options)
  const heading = `Its recipients go different ways: divided into ${formatCount(forecasts.length, 'message')}`
  const texts = forecasts.map((each) =>
    forecastText(each, { ...options, title: recipientsOf(each).join(', ') }),
  )
  return [`${options.ink.strong(heading)}\n`, ...texts].join('\n')
}

function forecastText({ explanation, effect, timeline }: Forecast, options: ForecastOptions): string {
  const text = explanationText(explanation, { ...options, effect })
  if (timeline === undefined) return text
  const qualifier = effect === undefined || effect.notes.size === 0 ? '' : ', whatever is held or left out'
  return text + timelineText(timeline, qualifier, options.ink)
}
