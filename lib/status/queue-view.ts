import { parseQueueName } from '../haraka-files/queue-file'
import { listQueue, readQueue } from '../haraka-files/queue-folder'
import type { Steps } from '../model/steps'
import { pickLargest } from './largest'
import type { Overview } from './overview'
import { describeWait, type Story } from './story'

/** Messages that are shown: those that are due first. */
const MOST_SHOWN = 30

/** One message of the queue. */
export interface QueuedStory {
  readonly story: Story
  /** What it waits for, as a sentence. */
  readonly wait: string
}

/** Haraka's queue folder. */
export interface QueueView {
  /** Files in it. */
  readonly total: number
  /** Those that are due first; of them those first of which no attempt is counted, by reason. */
  readonly first: readonly QueuedStory[]
}

/** Looks into the queue, in steps. @throws UsageError or AccessError if it cannot be read */
export function* viewQueue(
  folder: string,
  { facts, now }: Pick<Overview, 'facts' | 'now'>,
): Steps<QueueView> {
  const names = yield* listQueue(folder)
  const due = yield* pickLargest(names, MOST_SHOWN, (name) => -(parseQueueName(name).nextAttempt ?? 0))
  const { messages } = yield* readQueue(folder, due, () => true)
  const first = messages.map((queued) => {
    const entries = (facts?.decisions ?? []).filter(({ id }) => id !== '' && id === queued.id)
    const story = { id: queued.id, queued, entries }
    return { story, wait: describeWait(story, { isRunning: true, now }) }
  })
  const isUncounted = ({ story }: QueuedStory) => story.entries[0]?.wait !== undefined
  const reasonOf = ({ story }: QueuedStory) => story.entries[0]?.reason ?? ''
  const uncounted = first.filter(isUncounted).toSorted((a, b) => (reasonOf(a) < reasonOf(b) ? -1 : 1))
  return { total: names.length, first: [...uncounted, ...first.filter((each) => !isUncounted(each))] }
}
