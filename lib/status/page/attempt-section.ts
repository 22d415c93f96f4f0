import type { AttemptEntry } from '../facts'
import type { Overview } from '../overview'
import { formatSize, formatTime, joinWords } from '../wording'
import { markup, type Html } from './html'
import { linkTo } from './query'
import { badge, type Row, table, type Tone } from './table'

/** Decisions that are shown. */
const MOST = 50

const shortTime = (at: number) =>
  markup`<span title="${formatTime(at)}">${formatTime(at).slice(11, 19)}</span>`

/** What decided, in words. */
function origin({ source, lines }: AttemptEntry): string {
  if (source === 'dns') return 'DNS'
  if (source === 'attempts') return '[attempts]'
  return `${lines.length === 1 ? 'line' : 'lines'} ${joinWords(lines)}`
}

/** What came of it, in words. */
function result({ action, end, reason }: AttemptEntry): {
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

const sender = (entry: AttemptEntry) => (entry.sender === '' ? '<>' : entry.sender)

function rowOf(entry: AttemptEntry): Row {
  const { text, tone, more } = result(entry)
  const others = entry.recipients > 1 ? ` and ${entry.recipients - 1} more` : ''
  return {
    ...(tone === 'good' ? {} : { tone }),
    cells: [
      shortTime(entry.at),
      markup`<a href="${linkTo({ id: entry.id }, 'story')}">${entry.recipient === '' ? entry.domain : entry.recipient}</a>${others}`,
      sender(entry),
      origin(entry),
      markup`${badge(text, tone)} ${more}`,
    ],
  }
}

/** The last decisions, each with a link to the story of its message. */
export function attemptSection({ facts }: Overview): Html {
  const attempts = facts?.attempts.slice(0, MOST) ?? []
  const columns = ['Time, UTC', 'Recipient', 'Sender', 'By', 'Result'].map((title) => ({ title }))
  return markup`<section id="recent" data-live aria-labelledby="recent-title"><h2 id="recent-title">Recent decisions</h2>
${table(`The last ${attempts.length} of this server. The recipient leads to the story of the message.`, columns, attempts.map(rowOf))}</section>`
}

function attemptBlock(entry: AttemptEntry): Html {
  const { text, tone } = result(entry)
  const connections = (entry.end?.connections ?? []).map(
    ({ server, address, tls, failed, text: said }) =>
      markup`<dt>${server}</dt><dd>${address}, ${tls ? 'encrypted' : 'not encrypted'}${failed === '' ? '' : `, failed at ${failed}`}: ${said}</dd>`,
  )
  return markup`<h3>${formatTime(entry.at)}: ${badge(text, tone)}</h3><dl>
<dt>Decided by</dt><dd>${origin(entry)}</dd>
<dt>Servers</dt><dd>${entry.exchanges.length === 0 ? 'none' : entry.exchanges.join(', ')}</dd>
${entry.reason === '' ? undefined : markup`<dt>Reason</dt><dd>${entry.reason}</dd>`}
${connections}</dl>`
}

/** The story of one message: each of its attempts that is remembered, and where it would go now. */
export function storySection({ facts }: Overview, id: string): Html {
  const attempts = (facts?.attempts ?? [])
    .filter((entry) => entry.id === id || entry.id.startsWith(`${id}.`))
    .toReversed()
  const last = attempts.at(-1)
  const again =
    last === undefined
      ? undefined
      : linkTo(
          {
            to: last.recipient || last.domain,
            sender: last.sender,
            size: last.size,
            retries: last.retries + 1,
          },
          'explain',
        )
  return markup`<section id="story" data-live aria-labelledby="story-title"><h2 id="story-title">Story of ${id}</h2>
${
  last === undefined || again === undefined
    ? markup`<p>It is not among the last decisions of this server. <code>dns-overrides why ${id}</code> looks into the queue; the log has the rest.</p>`
    : markup`<p>From ${sender(last)} to ${last.recipient || last.domain}${last.recipients > 1 ? ` and ${last.recipients - 1} more` : ''}, ${formatSize(last.size)}. <a href="${again}">Explain its next attempt</a></p>
${attempts.map(attemptBlock)}`
}</section>`
}
