import { join } from 'node:path'
import { messageOf } from '../haraka-files/queue-file'
import { findQueueFolder } from '../haraka-files/queue-folder'
import { DnsOverridesError } from '../model/errors'
import { domainOf } from '../rules/message-spec'
import { LONGEST_SECRET, readRegularFile } from '../files/read-file'
import type { Facts } from '../status/facts'
import { readFactsFile } from '../status/facts-file'
import { readServerState, whyNoAccess } from '../status/server-state'
import type { Story } from '../status/story'
import { formatCount } from '../status/wording'
import { explainTask } from './explain/explain-task'
import { exitStatusOfViews, viewsJson, viewsText, type View } from './explain/view'
import { ConfigurationReader } from './shared/configuration-reader'
import { EXIT } from './shared/exit-status'
import { formatJson } from './shared/json'
import { findConfiguration, shortName, stateFolder, type Location } from './shared/location'
import { paint } from '../status/paint'
import type { Arguments } from './shared/parsed-arguments'
import type { Terminal } from './shared/terminal'
import { findStories, readAsked } from './why/find-stories'
import { storiesText, storyJson, storyText, type StoryContext } from './why/story-view'

/** Messages that are shown at once. */
const MOST_SHOWN = 20

function readQueueSetting({ configFolder }: Location): string | undefined {
  try {
    return readRegularFile(join(configFolder, 'queue_dir'), LONGEST_SECRET).bytes.toString('utf8')
  } catch {
    return undefined
  }
}

/** Undefined: no server runs; one that cannot be asked is said so. */
function readFacts(location: Location, terminal: Terminal): Facts | undefined {
  const folder = stateFolder(location)
  try {
    return readFactsFile(folder, terminal.now())
  } catch (error) {
    terminal.err(`what the running server knows is not known: ${whyNoAccess(folder, error)}\n`)
    return undefined
  }
}

/** What the rules as they are now make of a message of the queue; undefined if the file cannot be used. */
async function explainStory(
  { queued }: Story,
  reader: ConfigurationReader,
  location: Location,
  terminal: Terminal,
): Promise<{ readonly views: readonly View[]; readonly text: string } | undefined> {
  const { configuration, problems } = reader.read()
  if (configuration === undefined) {
    terminal.err(problems)
    return undefined
  }
  const domain = queued && domainOf(queued.domain)
  if (queued === undefined || domain === undefined) return undefined
  const message = messageOf(queued, domain, terminal.now())
  const task = { message, queued, mx: undefined, location, configuration }
  const state = readServerState(stateFolder(location), terminal.now())
  const views = await explainTask(task, { state, hasTimeline: true }, terminal)
  const text = viewsText(views, {
    title: 'By the rules as they are now',
    rules: configuration.rules,
    file: shortName(location.file, terminal.cwd),
    all: false,
    ink: paint(terminal.color.out),
  })
  return { views, text }
}

/**
 * `dns-overrides why`: the story of one message: what was tried, what it waits for, what comes next. Exit status as `explain` for a
 * message of the queue, 0 for one that has left it, 70 if nothing is known of it.
 */
export async function runWhy(args: Arguments, terminal: Terminal): Promise<number> {
  const asked = readAsked(args.operands[0], args.value('to'), terminal.cwd)
  const location = findConfiguration(args.value('config'), terminal)
  const queueFolder = findQueueFolder(location.harakaFolder, readQueueSetting(location))
  const facts = readFacts(location, terminal)
  const { stories, unreadable } = findStories(asked, { queueFolder, facts })
  if (unreadable > 0) terminal.err(`${formatCount(unreadable, 'file')} of ${queueFolder} could not be read\n`)
  const [story, ...others] = stories
  const ink = paint(terminal.color.out)
  const context: StoryContext = { isRunning: facts !== undefined, now: terminal.now(), ink }
  if (story === undefined) {
    const where = facts === undefined ? '' : ' nor among the last attempts of the running server'
    throw new DnsOverridesError(
      `nothing is known: there is no such message in ${queueFolder}${where}. Search Haraka's log for it: "decided" says where it was sent, "delivered file" or "bounce" how it ended`,
      { code: 'EUNKNOWN', temporary: false },
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
  const explained =
    story.queued === undefined
      ? undefined
      : await explainStory(story, new ConfigurationReader(location, terminal), location, terminal)
  const waits = explained?.views.flatMap(({ effect }) => effect?.wait ?? []) ?? []
  const told = waits.length === 0 ? context : { ...context, wait: waits.join(', and ') }
  if (args.flag('json')) {
    const rest = explained === undefined ? {} : { now: viewsJson(explained.views) }
    terminal.out(formatJson({ found: 1, messages: [{ ...storyJson(story, told), ...rest }] }))
  } else {
    terminal.out(storyText(story, told))
    if (explained !== undefined) terminal.out(`\n${explained.text}`)
  }
  if (explained !== undefined) return exitStatusOfViews(explained.views)
  return story.queued === undefined ? EXIT.ok : EXIT.config
}
