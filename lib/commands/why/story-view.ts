import { toPrintable } from '../../model/printable'
import { formatIsoTime, formatCount, formatSize, formatTime } from '../../status/wording'
import {
  describeEnd,
  describeWait,
  listSteps,
  titleOfStory,
  type PastStep,
  type Story,
  type Surroundings,
} from '../../status/story'
import type { Paint } from '../../status/paint'

/** How stories are printed. */
export interface StoryContext extends Surroundings {
  readonly ink: Paint
}

interface Envelope {
  readonly sender: string
  readonly recipients: readonly string[]
  readonly others: number
  readonly size: number
}

function envelopeOf({ queued, entries }: Story): Envelope {
  if (queued !== undefined) {
    return { sender: queued.mailFrom, recipients: queued.recipients, others: 0, size: queued.size }
  }
  const { sender = '', recipients = [], otherRecipients = 0, size = 0 } = entries[0] ?? {}
  return { sender, recipients, others: otherRecipients, size }
}

function envelopeText(story: Story): string {
  const { sender, recipients, others, size } = envelopeOf(story)
  const named = [...recipients, ...(others > 0 ? [`${others} more`] : [])].join(', ')
  return `  from ${sender === '' ? '<>' : toPrintable(sender)} to ${toPrintable(named)}, ${formatSize(size)}`
}

function stepRows({ at, by, server, tls, delivered, failed, text }: PastStep, ink: Paint): string[] {
  const where = server === '' ? [] : [toPrintable(server), tls ? 'TLS' : 'no TLS']
  const end = delivered ? ink.good('delivered') : ink.bad(failed === '' ? 'not sent' : `failed at ${failed}`)
  return [
    `  ${[formatTime(at), ...(by === '' ? [] : [toPrintable(by)]), ...where].join('  ')}  ${end}`,
    ...(text === '' ? [] : [`    ${toPrintable(text)}`]),
  ]
}

/** What the message waits for, or how it ended. */
function stateText(story: Story, context: StoryContext): string {
  return toPrintable(story.queued === undefined ? describeEnd(story) : describeWait(story, context))
}

/** A message for a reader: who, what was tried, and what it waits for. */
export function storyText(story: Story, context: StoryContext): string {
  const { ink } = context
  const steps = listSteps(story)
  return [
    ink.strong(toPrintable(titleOfStory(story))),
    envelopeText(story),
    ...(story.queued === undefined ? [] : [`  ${toPrintable(story.queued.file)}`]),
    '',
    ink.strong(steps.length === 0 ? 'No attempt is known' : 'Attempts'),
    ...steps.flatMap((step) => stepRows(step, ink)),
    '',
    ink.warn(stateText(story, context)),
    '',
  ].join('\n')
}

/** Several messages for a reader, two lines each. */
export function storiesText(stories: readonly Story[], most: number, context: StoryContext): string {
  const rows = stories.slice(0, most).map((story) => {
    const last = listSteps(story).at(-1)
    const ended =
      last === undefined || last.delivered ? '' : `; the last attempt: ${last.failed} ${last.text}`
    return [
      context.ink.strong(toPrintable(titleOfStory(story))),
      envelopeText(story),
      `  ${stateText(story, context)}${toPrintable(ended)}`,
      '',
    ].join('\n')
  })
  const hidden = stories.length - rows.length
  const rest = hidden > 0 ? `, and ${hidden} more` : ''
  return `${rows.join('\n')}\n${formatCount(stories.length, 'message')}${rest === '' ? '' : ` (the first ${most} are shown)`}: for more about one, why ID\n`
}

/** A story as `--json` prints it, times as ISO 8601. */
export function storyJson(story: Story, context: StoryContext): Record<string, unknown> {
  const { queued } = story
  const { sender, recipients, others, size } = envelopeOf(story)
  const next = queued?.nextAttempt
  const wait = queued === undefined ? undefined : story.entries[0]?.wait
  return {
    ...(story.id === '' ? {} : { id: story.id }),
    ...(queued === undefined ? {} : { file: queued.file }),
    queued: queued !== undefined,
    sender,
    recipients,
    ...(others > 0 ? { otherRecipients: others } : {}),
    size,
    ...(queued === undefined
      ? {}
      : { attemptsMade: queued.retries, queuedAt: formatIsoTime(queued.queuedAt) }),
    attempts: listSteps(story).map(({ at, ...step }) => ({ at: formatIsoTime(at), ...step })),
    ...(next === undefined ? {} : { nextAttempt: formatIsoTime(next) }),
    ...(wait === undefined ? {} : { waiting: wait }),
    state: stateText(story, context),
  }
}
