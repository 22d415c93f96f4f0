import type { DecisionEntry } from '../facts'
import type { Overview } from '../overview'
import { describeSource, formatTime } from '../wording'
import { markup, type Html } from './html'
import { linkTo } from './query'
import { badge, type Column, type Row, table, type Tone } from './table'

/** Decisions that are shown. */
const MOST = 50

const shortTime = (at: number) =>
  markup`<span title="${formatTime(at)}">${formatTime(at).slice(11, 19)}</span>`

/** What came of it, in words. */
function result({ action, end, reason }: DecisionEntry): {
  readonly text: string
  readonly tone: Tone
  readonly more: string
} {
  switch (action) {
    case 'bounce':
      return { text: 'bounced', tone: 'bad', more: reason }
    case 'defer':
      return { text: 'deferred', tone: 'warn', more: reason }
    case 'wait':
      return { text: 'waits', tone: 'warn', more: reason }
    case 'try': {
      if (end === undefined) return { text: 'under way', tone: 'good', more: '' }
      const last = end.connections.at(-1)
      const more = last === undefined ? '' : `${last.server}: ${last.text}`
      return end.delivered
        ? { text: 'delivered', tone: 'good', more }
        : { text: 'not delivered', tone: 'warn', more }
    }
    default:
      return action satisfies never
  }
}

const sender = (entry: DecisionEntry) => (entry.sender === '' ? '<>' : entry.sender)

function rowOf(entry: DecisionEntry): Row {
  const { text, tone, more: detail } = result(entry)
  const [recipient = ''] = entry.recipients
  const more = entry.recipients.length - 1 + entry.otherRecipients
  const others = more > 0 ? ` and ${more} more` : ''
  return {
    ...(tone === 'good' ? {} : { tone }),
    cells: [
      shortTime(entry.at),
      markup`<a href="${linkTo({ id: entry.id }, 'story')}">${recipient || entry.domain}</a>${others}`,
      sender(entry),
      describeSource({ source: entry.source, matched: entry.lines }),
      markup`${badge(text, tone)} ${detail}`,
    ],
  }
}

const COLUMNS: readonly Column[] = [
  { title: 'Time, UTC', kind: 'brief' },
  { title: 'Recipient', kind: 'address' },
  { title: 'Sender', kind: 'address' },
  { title: 'By', kind: 'brief' },
  { title: 'Result' },
]

/** The last decisions, each with a link to the story of its message. */
export function recentSection({ facts }: Overview): Html {
  const decisions = facts?.decisions.slice(0, MOST) ?? []
  return markup`<section id="recent" data-live aria-labelledby="recent-title"><h2 id="recent-title">Recent decisions</h2>
${table(`The last ${decisions.length} of this server. The recipient leads to the story of the message.`, COLUMNS, decisions.map(rowOf))}</section>`
}
