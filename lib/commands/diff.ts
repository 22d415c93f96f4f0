import { resolve } from 'node:path'
import type { Configuration } from '../routing/configuration'
import { UsageError } from '../model/errors'
import { exchangeKey } from '../model/exchange'
import { decide } from '../rules/decide'
import { decisionWords } from '../rules/expectations'
import { assumedMx } from '../rules/message-spec'
import type { Decision } from '../model/decision'
import { exchangeJson } from './shared/explanation'
import { harakaOutbound, requireConfiguration } from './shared/configuration-file'
import { givenLookup, liveLookup, type Lookup } from './shared/lookup'
import { messagesOfList, messagesOfQueue, messagesOfTests, type NamedMessage } from './shared/message-list'
import { paint, type Paint } from './shared/paint'
import { EXIT, type Arguments, type Terminal } from './shared/types'
import { count, linesText } from './shared/wording'

/** One message that goes elsewhere. */
interface Change {
  readonly subject: NamedMessage
  readonly before: Decision
  readonly after: Decision
}

/** Everything that tells whether a message goes the same way: servers, their order, and as whom. */
function fingerprint({ outcome, exchanges }: Decision): string {
  const parts = exchanges.map((exchange) => {
    const { priority, origin, terms } = exchange
    return [exchangeKey(exchange), priority, origin.kind === 'dns', terms.tls, terms.lmtp].join(' ')
  })
  return JSON.stringify([outcome, ...(outcome === 'deliver' ? parts : [])])
}

function words(decision: Decision): string {
  const { source, matched, noRoute } = decision
  const by = source === 'overrides' ? linesText(matched) : source
  return `${decisionWords(decision)} (${noRoute?.message ?? by})`
}

function changeText({ subject, before, after }: Change, ink: Paint): string {
  const same = decisionWords(before) === decisionWords(after)
  const note = same ? '  (the same servers by another priority, user or TLS policy)' : ''
  return [
    `${ink.strong(subject.name)}${note}`,
    `  ${ink.bad(`- ${words(before)}`)}`,
    `  ${ink.good(`+ ${words(after)}`)}`,
    '',
  ].join('\n')
}

function decisionJson(decision: Decision): Record<string, unknown> {
  const { outcome, source, matched, exchanges } = decision
  return {
    outcome,
    source,
    matched,
    exchanges: exchanges.map(exchangeJson),
  }
}

function readMessages(
  args: Arguments,
  terminal: Terminal,
  configurations: readonly Configuration[],
): readonly NamedMessage[] {
  const folder = args.value('queue')
  const listFile = args.operands[2]
  const warn = (message: string) => terminal.err(`${message}\n`)
  const messages = [
    ...(folder === undefined ? [] : messagesOfQueue(resolve(terminal.cwd, folder), warn)),
    ...(listFile === undefined
      ? []
      : messagesOfList(listFile === '-' ? '-' : resolve(terminal.cwd, listFile))),
  ]
  if (folder !== undefined || listFile !== undefined) return messages
  const tests = messagesOfTests(configurations)
  if (tests.length > 0) return tests
  throw new UsageError('diff: which messages? Name a LIST or --queue FOLDER; neither file has [tests]')
}

async function compare(
  messages: readonly NamedMessage[],
  before: Configuration,
  after: Configuration,
  lookup: Lookup,
): Promise<readonly Change[]> {
  const changes: Change[] = []
  for (const subject of messages) {
    const { message, mx } = subject
    const services = { mx: mx === undefined ? lookup.mx : async () => mx, trace: false }
    const change = {
      subject,
      before: await decide(before.rules, message, services),
      after: await decide(after.rules, message, services),
    }
    if (fingerprint(change.before) !== fingerprint(change.after)) changes.push(change)
  }
  return changes
}

/** `dns-overrides diff`: exit status 0 whether there are differences or not. */
export async function runDiff(args: Arguments, terminal: Terminal): Promise<number> {
  const [before, after] = args.operands
    .slice(0, 2)
    .map((file) => requireConfiguration(resolve(terminal.cwd, file), terminal)) as [
    Configuration,
    Configuration,
  ]
  const messages = readMessages(args, terminal, [before, after])
  const lookup = args.flag('lookup')
    ? liveLookup(after, harakaOutbound(after.file, terminal), (message) => terminal.err(`${message}\n`))
    : givenLookup(assumedMx)
  try {
    const changes = await compare(messages, before, after, lookup)
    if (args.flag('json')) {
      const rows = changes.map((change) => ({
        message: change.subject.name,
        domain: change.subject.message.domain,
        before: decisionJson(change.before),
        after: decisionJson(change.after),
      }))
      terminal.out(`${JSON.stringify({ messages: messages.length, changes: rows }, null, 2)}\n`)
    } else {
      const ink = paint(terminal.color.out)
      for (const change of changes) terminal.out(`${changeText(change, ink)}\n`)
      terminal.out(`${changes.length} of ${count(messages.length, 'message')} would go elsewhere\n`)
    }
    return EXIT.ok
  } finally {
    lookup.close()
  }
}
