import { CONFIGURATION_PATH } from '../files/configuration-source'
import { finishInSteps } from '../model/steps'
import type { NoAnswer } from './bounded-work'
import { askedRecipient, findStories, readAskedWord } from './find-stories'
import { makeForecasts, messageOfQueue } from './forecast/forecast'
import { forecastsText, NOW_TITLE } from './forecast/forecast-text'
import type { Overview, OverviewSource } from './overview'
import { paint } from './paint'
import { describeEnd, describeWait, type Story } from './story'

/** Files of the queue that are read for one request. Messages that were tried lately are found however many there are. */
const MOST_FILES = 5_000

/** What is known of the messages that are asked for. */
export type StoryAnswer =
  | { readonly kind: 'none' | 'several'; readonly stories: readonly Story[]; readonly unread: number }
  | {
      readonly kind: 'one'
      readonly story: Story
      /** What it waits for now, or how it ended. */
      readonly state: string
      /** What becomes of it by the rules as they are now, as `dns-overrides why` prints it; absent if it is not in the queue. */
      readonly forecast?: string
    }
  | NoAnswer

type Sources = Pick<OverviewSource, 'withLookup' | 'isOwn' | 'queueFolder' | 'intervals'>

/**
 * Tells the story of a message as `dns-overrides why` does.
 *
 * @param word its id, the name of its file in the queue, or a recipient
 */
export async function tellStory(word: string, overview: Overview, sources: Sources): Promise<StoryAnswer> {
  const asked = word.includes('@') ? askedRecipient(word) : readAskedWord(word)
  if (asked === undefined) {
    return {
      kind: 'no answer',
      why: 'That is neither an id as in the log, nor a file of the queue, nor an address',
    }
  }
  const { facts } = overview
  const found = findStories(asked, { queueFolder: sources.queueFolder(), facts, mostFiles: MOST_FILES })
  const { stories, unread } = await finishInSteps(found)
  const [story] = stories
  if (story === undefined || stories.length > 1) {
    return { kind: story === undefined ? 'none' : 'several', stories, unread }
  }
  if (story.queued === undefined) return { kind: 'one', story, state: describeEnd(story) }
  return { kind: 'one', story, ...(await forecastOf(story, overview, sources)) }
}

async function forecastOf(
  story: Story,
  { server, now }: Overview,
  { withLookup, isOwn, intervals }: Sources,
): Promise<{ state: string; forecast?: string }> {
  const message = story.queued && messageOfQueue(story.queued, now)
  if (message === undefined) return { state: describeWait(story, { isRunning: true, now }) }
  return withLookup(async (configuration, lookup) => {
    const question = { message, queued: story.queued, configuration }
    const forecasts = await makeForecasts(question, { lookup, server, isOwn, intervals: intervals(), now })
    const waits = forecasts.flatMap(({ effect }) => effect?.wait ?? [])
    const wait = waits.length === 0 ? {} : { wait: waits.join(', and ') }
    return {
      state: describeWait(story, { isRunning: true, now, ...wait }),
      forecast: forecastsText(forecasts, {
        title: NOW_TITLE,
        rules: configuration.rules,
        file: CONFIGURATION_PATH,
        all: false,
        ink: paint(false),
      }),
    }
  })
}
