import type { Message } from '../../model/message'
import type { RuleSet } from '../../rules/compile'
import { formatCount } from '../../status/wording'
import { EXIT, exitStatusOf } from '../shared/exit-status'
import { type Explanation } from '../../status/explanation'
import type { Paint } from '../../status/paint'
import type { Effect } from '../../status/effect'
import { explanationJson } from './explanation-json'
import { explanationText } from '../../status/explanation-text'
import { timelineJson, timelineText, type Timeline } from './timeline'

/** A message, what becomes of it, and what the running server changes. */
export interface View {
  readonly explanation: Explanation
  readonly effect: Effect | undefined
  readonly timeline: Timeline | undefined
}

/** How views are printed. */
export interface ViewOptions {
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
export function viewsText(views: readonly View[], options: ViewOptions): string {
  if (views.length === 1) return viewText(views[0]!, options)
  const heading = `Its recipients go different ways: divided into ${formatCount(views.length, 'message')}`
  const texts = views.map((view) => viewText(view, { ...options, title: recipientsOf(view).join(', ') }))
  return [`${options.ink.strong(heading)}\n`, ...texts].join('\n')
}

function viewText({ explanation, effect, timeline }: View, options: ViewOptions): string {
  const text = explanationText(explanation, { ...options, effect })
  if (timeline === undefined) return text
  const qualifier = effect === undefined || effect.notes.size === 0 ? '' : ', whatever is held or left out'
  return text + timelineText(timeline, qualifier, options.ink)
}

/** As `--json` prints it. Of several messages: each with its recipients. */
export function viewsJson(views: readonly View[]): Record<string, unknown> {
  if (views.length === 1) return viewJson(views[0]!)
  const messages = views.map((view) => ({ recipients: recipientsOf(view), ...viewJson(view) }))
  return { domain: views[0]?.explanation.decision.domain, messages }
}

function viewJson({ explanation, effect, timeline }: View): Record<string, unknown> {
  return {
    ...explanationJson(explanation, effect),
    ...(timeline === undefined ? {} : { timeline: timelineJson(timeline) }),
  }
}

const recipientsOf = ({ explanation }: View): Message['rcptTo'] => explanation.message.rcptTo

/** 68 if a message would bounce, else 75 if one would be deferred or waits, else 0. */
export function exitStatusOfViews(views: readonly View[]): number {
  const statuses = views.map(({ explanation: { route }, effect }) =>
    route.outcome === 'deliver' && (effect?.wait ?? effect?.deferred) !== undefined
      ? EXIT.tempFail
      : exitStatusOf(route.outcome),
  )
  return [EXIT.noRoute, EXIT.tempFail].find((status) => statuses.includes(status)) ?? EXIT.ok
}
