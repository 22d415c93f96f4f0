import { type Facts, WAIT_REASONS, type WaitReason } from '../facts'
import type { Overview } from '../overview'
import type { QueuedStory, QueueView } from '../queue-view'
import { listSteps, titleOfStory } from '../story'
import { formatCount } from '../wording'
import { formatNumber } from './figures'
import { markup, type Html } from './html'
import { linkTo } from './query'
import { badge, type Column, type Row, table, toneOfWait } from './table'

/** What is said of each reason to wait. */
const REASONS: Readonly<Record<WaitReason, string>> = {
  held: 'for a relay that is held by hand',
  connections: 'for a free connection (max_connections)',
  quota: 'for the hour to pass (max_per_hour)',
  relay: 'because a relay failed',
  dns: 'because DNS failed',
  token: 'because no OAuth token could be got',
  disk: 'because a file could not be written',
  plugins: 'because plugins dropped every exchange',
  configuration: 'because there are no rules',
}

const COLUMNS: readonly Column[] = [
  { title: 'Recipient', kind: 'address' },
  { title: 'Sender', kind: 'address' },
  { title: 'Attempts', kind: 'number' },
  { title: 'Last attempt' },
  { title: 'Now' },
]

function rowOf({ story, wait }: QueuedStory): Row {
  const { queued, entries } = story
  const last = listSteps(story).at(-1)
  const waiting = entries[0]?.wait
  const others = (queued?.recipients.length ?? 1) - 1
  const recipient = markup`<a href="${linkTo({ id: titleOfStory(story) }, 'story')}">${queued?.recipients[0] ?? ''}</a>${others > 0 ? ` and ${others} more` : ''}`
  return {
    ...(waiting === undefined ? {} : { tone: toneOfWait(waiting) }),
    cells: [
      recipient,
      queued?.mailFrom || '<>',
      queued?.retries ?? 0,
      last === undefined
        ? '–'
        : `${last.server}${last.failed === '' ? '' : ` failed at ${last.failed}`}: ${last.text}`,
      wait,
    ],
  }
}

/** Haraka's queue: threads in use, what waits for what, and the messages that are due first. @param view undefined: it cannot be read */
export function queueSection({ facts }: Overview, view: QueueView | undefined): Html {
  const sum = (of: (worker: Facts['workers'][number]) => number) =>
    (facts?.workers ?? []).reduce((total, worker) => total + of(worker), 0)
  const waiting = WAIT_REASONS.map((reason) => [reason, sum((each) => each.waiting[reason] ?? 0)] as const)
  const shown = waiting.filter(([, count]) => count > 0)
  return markup`<section id="queue" data-live aria-labelledby="queue-title"><h2 id="queue-title">Queue</h2><dl>
<dt>Threads in use</dt><dd>${formatNumber(sum(({ queue }) => queue.running))} of ${formatNumber(sum(({ queue }) => queue.threads))}</dd>
<dt>Ready to be sent</dt><dd>${formatNumber(sum(({ queue }) => queue.ready))}</dd>
<dt>Wait for their next attempt</dt><dd>${formatNumber(sum(({ queue }) => queue.deferred))}</dd>
${shown.map(([reason, count]) => markup`<dt>${badge(reason === 'held' ? 'Held' : 'Waiting', toneOfWait(reason))}</dt><dd>${formatCount(count, 'message')} ${REASONS[reason]}</dd>`)}
</dl>
${view === undefined ? markup`<p>The queue folder cannot be read.</p>` : listOf(view)}</section>`
}

function listOf({ total, first }: QueueView): Html {
  if (first.length === 0) return markup`<p>The queue is empty.</p>`
  const caption =
    total > first.length
      ? `${first.length} of ${formatNumber(total)} messages: those that are due first. The recipient leads to the story.`
      : `${formatCount(total, 'message')}. The recipient leads to the story.`
  return table(caption, COLUMNS, first.map(rowOf))
}
