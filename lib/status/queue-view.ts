import { parseQueueName } from '../haraka-files/queue-file'
import { listQueue, readQueue } from '../haraka-files/queue-folder'
import type { Steps } from '../model/steps'
import type { Facts } from './facts'
import { placesOfLargest } from './largest'
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

/** Looks into the queue, in steps. @throws UsageError if it cannot be read */
export function* viewQueue(folder: string, facts: Facts | undefined, now: number): Steps<QueueView> {
  const names = yield* listQueue(folder)
  const times = Float64Array.from(names, (name) => -(parseQueueName(name).nextAttempt ?? 0))
  yield
  const due = placesOfLargest(times, MOST_SHOWN).map((place) => names[place]!)
  const { messages } = yield* readQueue(folder, due, () => true)
  const first = messages.map((queued) => {
    const entries = (facts?.attempts ?? []).filter(({ id }) => id !== '' && id === queued.id)
    const story = { id: queued.id, queued, entries }
    return { story, wait: describeWait(story, { isRunning: true, now }) }
  })
  const isUncounted = ({ story }: QueuedStory) => story.entries[0]?.action === 'wait'
  const reasonOf = ({ story }: QueuedStory) => story.entries[0]?.reason ?? ''
  const uncounted = first.filter(isUncounted).toSorted((a, b) => (reasonOf(a) < reasonOf(b) ? -1 : 1))
  return { total: names.length, first: [...uncounted, ...first.filter((each) => !isUncounted(each))] }
}
