import { relative, resolve } from 'node:path'
import type { Configuration } from '../routing/configuration'
import type { MxAnswer } from '../model/dns-answer'
import type { Message } from '../model/message'
import { configurationFile, harakaOutbound, requireConfiguration } from './shared/configuration-file'
import { explain, explanationJson, exitOf } from './shared/explanation'
import { explanationText } from './shared/explain-text'
import { givenLookup, liveLookup, type Lookup } from './shared/lookup'
import { describedMessage, givenMx } from './shared/message'
import { paint } from './shared/paint'
import { readQueueFile, type QueuedMessage } from '../haraka-files/queue-file'
import { makeTimeline, timelineJson, timelineText, type Timeline } from './shared/timeline'
import type { Arguments, Terminal } from './shared/types'

/** What is to be explained, and of what. */
interface Task {
  readonly message: Message
  readonly queued: QueuedMessage | undefined
  readonly mx: MxAnswer | undefined
  readonly file: string
  readonly configuration: Configuration
}

function readTask(args: Arguments, terminal: Terminal): Task {
  const queueFile = args.value('queue')
  const queued = queueFile === undefined ? undefined : readQueueFile(resolve(terminal.cwd, queueFile))
  const message = describedMessage(args, queued)
  const given = givenMx(args)
  for (const address of given?.skipped ?? []) {
    terminal.err(`--mx: ${address} is skipped: an MX names a host, not an address\n`)
  }
  const file = configurationFile(args.value('config'), terminal)
  return { message, queued, mx: given?.answer, file, configuration: requireConfiguration(file, terminal) }
}

async function timelineOf(
  task: Task,
  intervals: readonly number[],
  lookup: Lookup,
  now: number,
): Promise<Timeline> {
  const { message, queued, configuration } = task
  const standing = {
    at: Math.max(now, queued?.nextAttempt ?? now),
    retries: message.retries,
    // attempts before a split do not count for Haraka
    failures: Math.max(0, message.retries - (queued?.attemptsBeforeSplit ?? 0)),
  }
  return makeTimeline(standing, intervals, (retries) =>
    explain(configuration, { ...message, retries }, lookup),
  )
}

/** What the message is called in the first line. */
function titleOf({ queued, message }: Task, operand: string | undefined): string {
  return operand ?? (queued === undefined ? message.domain : queued.recipients.join(', '))
}

/** `dns-overrides explain`: exit status 0 where the message would be delivered, 68 bounced, 75 deferred. */
export async function runExplain(args: Arguments, terminal: Terminal): Promise<number> {
  const task = readTask(args, terminal)
  const { configuration, file, mx } = task
  const outbound = harakaOutbound(file, terminal)
  const lookup =
    mx === undefined
      ? liveLookup(configuration, outbound, (warning) => terminal.err(`${warning}\n`))
      : givenLookup(() => mx)
  try {
    const explanation = await explain(configuration, task.message, lookup)
    const timeline = args.flag('timeline')
      ? await timelineOf(task, outbound.intervals, lookup, terminal.now())
      : undefined
    if (args.flag('json')) {
      const object = {
        ...explanationJson(explanation),
        ...(timeline === undefined ? {} : { timeline: timelineJson(timeline) }),
      }
      terminal.out(`${JSON.stringify(object, null, 2)}\n`)
    } else {
      const ink = paint(terminal.color.out)
      const title = titleOf(task, args.operands[0])
      const name = relative(terminal.cwd, file)
      const shown = name.startsWith('..') ? file : name
      terminal.out(explanationText(explanation, configuration.rules.lines, title, shown, ink))
      if (timeline !== undefined) terminal.out(timelineText(timeline, ink))
    }
    return exitOf(explanation.route.outcome)
  } finally {
    lookup.close()
  }
}
