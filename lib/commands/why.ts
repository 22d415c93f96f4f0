import type { RuleSet } from '../rules/compile'
import { DnsOverridesError, UsageError } from '../model/errors'
import { currentPath } from '../haraka-files/queue-folder'
import { finish } from '../model/steps'
import type { Facts } from '../status/facts'
import { readFactsFile } from '../status/facts-file'
import { findStories, type FoundStories, storyOfFile } from '../status/find-stories'
import { messageOfQueue, type Forecast } from '../status/forecast/forecast'
import { forecastsText, NOW_TITLE } from '../status/forecast/forecast-text'
import { readServerState, whyNoAccess } from '../status/server-state'
import type { Story } from '../status/story'
import { formatCount } from '../status/wording'
import { answerRequest } from './explain/explain-request'
import { exitStatusOfForecasts, forecastsJson } from './explain/forecast-json'
import { ConfigurationReader } from './shared/configuration-reader'
import { EXIT } from './shared/exit-status'
import { formatJson } from './shared/json'
import { findConfiguration, queueFolderOf, shortName, stateFolder, type Location } from './shared/location'
import { paint } from '../status/paint'
import type { Arguments } from './shared/parsed-arguments'
import type { Terminal } from './shared/terminal'
import { type AskedByUser, readAsked } from './why/asked'
import { storiesText, storyJson, storyText, type StoryContext } from './why/story-view'

/** The most messages that are listed. */
const MOST_SHOWN = 20

/** What the running server reports; undefined if no server runs, or, with a message, if it cannot be asked. */
function readFacts(location: Location, terminal: Terminal): Facts | undefined {
  const folder = stateFolder(location)
  try {
    return readFactsFile(folder, terminal.now())
  } catch (error) {
    terminal.err(`the running server cannot be asked: ${whyNoAccess(folder, error)}\n`)
    return undefined
  }
}

/** What happens next to a message in the queue. */
interface ExplainedStory {
  readonly forecasts: readonly Forecast[]
  /** The configuration that decides it. */
  readonly rules: RuleSet
  /** For a reader. */
  readonly text: string
}

/** What the current rules do with a message in the queue; undefined if the file cannot be used. */
async function explainStory(
  { queued }: Story,
  location: Location,
  terminal: Terminal,
): Promise<ExplainedStory | undefined> {
  const { configuration, problems } = new ConfigurationReader(location, terminal).read()
  if (configuration === undefined) {
    terminal.err(problems)
    return undefined
  }
  const message = queued && messageOfQueue(queued, terminal.now())
  if (message === undefined) return undefined
  const request = { message, queued, mx: undefined, location, configuration }
  const state = readServerState(stateFolder(location), terminal.now())
  const forecasts = await answerRequest(request, { state, hasTimeline: true }, terminal)
  const text = forecastsText(forecasts, {
    title: NOW_TITLE,
    rules: configuration.rules,
    file: shortName(location.file, terminal.cwd),
    all: false,
    ink: paint(terminal.color.out),
  })
  return { forecasts, rules: configuration.rules, text }
}

/** @throws UsageError or AccessError if the queue, or the file that is meant, cannot be read */
function lookFor(asked: AskedByUser, queueFolder: string, facts: Facts | undefined): FoundStories {
  if (asked.kind === 'file') {
    return { stories: storyOfFile(currentPath(asked.path), facts?.decisions ?? []), unreadable: 0, unread: 0 }
  }
  const found = finish(findStories(asked, { queueFolder, facts, mostFiles: Infinity }))
  if (asked.kind !== 'name' || found.stories.length > 0) return found
  throw new UsageError(
    `why: ${asked.name} is not in ${queueFolder}: it was delivered, bounced or removed; Haraka's log has it as "file"`,
  )
}

/**
 * `dns-overrides why`: the story of one message: what was tried, what it waits for, what comes next. Exit status as `explain` for a
 * message of the queue, 0 for one that has left it, 70 if nothing is known of it, 75 if the queue cannot be read.
 */
export async function runWhy(args: Arguments, terminal: Terminal): Promise<number> {
  const asked = readAsked(args.operands[0], args.value('to'), terminal.cwd)
  const location = findConfiguration(args.value('config'), terminal)
  const queueFolder = queueFolderOf(location)
  const facts = readFacts(location, terminal)
  const { stories, unreadable } = lookFor(asked, queueFolder, facts)
  if (unreadable > 0) terminal.err(`${formatCount(unreadable, 'file')} of ${queueFolder} could not be read\n`)
  const [story, ...others] = stories
  const ink = paint(terminal.color.out)
  const context: StoryContext = { isRunning: facts !== undefined, now: terminal.now(), ink }
  if (story === undefined) {
    const where = facts === undefined ? '' : ' nor among the last decisions of the running server'
    throw new DnsOverridesError(
      `nothing is known: there is no such message in ${queueFolder}${where}. Search Haraka's log for it: "decided" says where it was sent, "delivered file" or "bounce" how it ended`,
      // It may be in a file that could not be read.
      { code: 'EUNKNOWN', temporary: unreadable > 0 },
    )
  }
  if (others.length > 0) {
    const shown = stories.slice(0, MOST_SHOWN).map((each) => storyJson(each, context))
    terminal.out(
      args.flag('json')
        ? formatJson({ found: stories.length, messages: shown })
        : storiesText(stories, MOST_SHOWN, context),
    )
    return EXIT.ok
  }
  const explained = story.queued === undefined ? undefined : await explainStory(story, location, terminal)
  const waits = explained?.forecasts.flatMap(({ effect }) => effect?.wait ?? []) ?? []
  const told = waits.length === 0 ? context : { ...context, wait: waits.join(', and ') }
  if (args.flag('json')) {
    const rest = explained === undefined ? {} : { now: forecastsJson(explained.forecasts, explained.rules) }
    terminal.out(formatJson({ found: 1, messages: [{ ...storyJson(story, told), ...rest }] }))
  } else {
    terminal.out(storyText(story, told))
    if (explained !== undefined) terminal.out(`\n${explained.text}`)
  }
  if (explained !== undefined) return exitStatusOfForecasts(explained.forecasts)
  return story.queued === undefined ? EXIT.ok : EXIT.config
}
