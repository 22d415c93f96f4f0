import { listSteps, type PastStep, type Story, titleOfStory } from '../story'
import type { StoryAnswer } from '../tell-story'
import { formatCount, formatSize, formatTime } from '../wording'
import { markup, multiline, type Html } from './html'
import { linkTo, type PageQuery } from './query'
import { badge, type Column, type Row, table } from './table'

/** Messages that are listed at most. */
const MOST_LISTED = 50
/** Recipients of a message that are named. */
const MOST_NAMED = 20

/**
 * A form that finds a message, and its story as `dns-overrides why` has it.
 *
 * @param answer undefined: nothing was asked
 */
export function storySection({ id = '' }: PageQuery, answer: StoryAnswer | undefined): Html {
  const title = answer?.kind === 'one' ? `Story of ${titleOfStory(answer.story)}` : 'Find a message'
  return markup`<section id="story" class="half" aria-labelledby="story-title"><h2 id="story-title">${title}</h2>
<form method="get" action="#story"><label>Id, file of the queue, or recipient<input name="id" value="${id}" maxlength="320" autocomplete="off" spellcheck="false"></label><button type="submit">Find</button></form>
${answer === undefined ? markup`<p class="faint">What was tried, what does it wait for, and what comes next?</p>` : markup`<div id="told" data-live>${describeAnswer(answer)}</div>`}</section>`
}

function describeAnswer(answer: StoryAnswer): Html {
  switch (answer.kind) {
    case 'no answer':
      return markup`<p>${answer.why}.</p>`
    case 'none':
      return markup`<p>Nothing is known of it: it is neither in the queue nor among the last decisions of this server. The log has the rest.${unreadNote(answer.unread)}</p>`
    case 'several':
      return markup`${listOf(answer.stories)}<p>${unreadNote(answer.unread)}</p>`
    case 'one':
      return storyOf(answer)
    default:
      return answer satisfies never
  }
}

const unreadNote = (unread: number) =>
  unread === 0
    ? ''
    : ` ${formatCount(unread, 'file')} of the queue were not looked at: npx dns-overrides why looks at all.`

function envelopeOf({ queued, entries: [last] }: Story): Html {
  const sender = queued?.mailFrom ?? last?.sender ?? ''
  const recipients = queued?.recipients ?? last?.recipients ?? []
  const others = recipients.length - MOST_NAMED + (queued === undefined ? (last?.otherRecipients ?? 0) : 0)
  const named = recipients.slice(0, MOST_NAMED).join(', ')
  const size = formatSize(queued?.size ?? last?.size ?? 0)
  return markup`From ${sender || '<>'} to ${named}${others > 0 ? ` and ${others} more` : ''}, ${size}`
}

function listOf(stories: readonly Story[]): Html {
  const rows = stories.slice(0, MOST_LISTED).map((story): Row => {
    const last = listSteps(story).at(-1)
    const href = linkTo({ id: titleOfStory(story) }, 'story')
    return {
      cells: [
        markup`<a href="${href}">${titleOfStory(story)}</a>`,
        envelopeOf(story),
        last === undefined ? '–' : resultOf(last),
        story.queued === undefined ? 'no' : 'yes',
      ],
    }
  })
  const columns = ['Message', 'Envelope', 'Last attempt', 'In the queue'].map((title) => ({ title }))
  return table(`${rows.length} of ${formatCount(stories.length, 'message')}`, columns, rows)
}

const resultOf = ({ delivered, failed, text }: PastStep): Html =>
  delivered
    ? markup`${badge('delivered', 'good')} ${text}`
    : markup`${badge(failed === '' ? 'not sent' : `failed at ${failed}`, 'bad')} ${text}`

const COLUMNS: readonly Column[] = [
  { title: 'Time, UTC', kind: 'brief' },
  { title: 'By', kind: 'brief' },
  { title: 'Server' },
  { title: 'TLS', kind: 'brief' },
  { title: 'Result' },
]

function storyOf({ story, state, forecast }: Extract<StoryAnswer, { kind: 'one' }>): Html {
  const steps = listSteps(story)
  const rows = steps.map((step): Row => {
    const { at, by, server, tls } = step
    return {
      ...(step.delivered ? {} : { tone: 'warn' as const }),
      cells: [
        formatTime(at).slice(0, -4),
        by || '–',
        server || '–',
        server === '' ? '–' : tls ? 'yes' : 'no',
        resultOf(step),
      ],
    }
  })
  return markup`<p>${envelopeOf(story)}</p>
<p><strong>${state}</strong></p>
${steps.length === 0 ? markup`<p>No attempt is known.</p>` : table('Attempts', COLUMNS, rows)}
${forecast === undefined ? undefined : markup`<pre>${multiline(forecast)}</pre>`}`
}
