import type { Configuration } from '../routing/configuration'
import { exchangeKey, type Exchange } from '../model/exchange'
import type { Decision } from '../model/decision'
import { UsageError } from '../model/errors'
import { toPrintable } from '../model/printable'
import type { Message } from '../model/message'
import type { Relay } from '../model/relay'
import { formatBind, type Terms } from '../model/terms'
import { decideWithDns, type DomainSource } from '../routing/decide-with-dns'
import { decide } from '../rules/decide'
import { decisionWords, directWords } from '../rules/expectations'
import { assumedMx } from '../rules/message-spec'
import { readMessages, type NamedMessage } from './diff/messages'
import { divideMessage } from '../routing/divide-message'
import { formatJson } from './shared/json'
import { exchangeJson } from '../status/explanation'
import type { Arguments } from './shared/parsed-arguments'
import { readOutboundSettings, requireConfiguration } from './shared/require-configuration'
import { EXIT } from './shared/exit-status'
import { findOperand, type Location } from './shared/location'
import { openLookup, useGivenMx, type Lookup } from './shared/lookup'

import { paint, type Paint } from '../status/paint'
import type { Terminal } from './shared/terminal'
import { describeSource, formatCount } from '../status/wording'

/** One message that goes elsewhere, or a part of one that a configuration divides by `$rcpt`. */
interface Change {
  readonly message: NamedMessage
  /** Those of its recipients that go elsewhere together; the message itself if it is not divided. */
  readonly part: NamedMessage
  readonly before: Decision
  readonly after: Decision
}

/** All of a relay and its terms except its place (which is the key), and limits and `retry_after`, which decide when and not how. */
type Ways = Record<
  Exclude<keyof Relay, 'name' | 'endpoint' | 'terms' | 'priority' | 'credentials'>,
  unknown
> &
  Record<Exclude<keyof Terms, 'retryAfterMs' | 'maxConnections' | 'maxPerHour'>, unknown>

/** How to talk to a server, and with which login. */
function waysOf({ relay, terms }: Exchange): Ways {
  const { tls, lmtp, family, nextMx, bind, bindHelo } = terms
  return {
    tls,
    lmtp,
    family,
    nextMx,
    bind: bind && formatBind(bind),
    bindHelo,
    implicitTls: relay?.implicitTls,
    authType: relay?.authType,
    allowPlaintextAuth: relay?.allowPlaintextAuth,
    clientCertificate: relay?.clientCertificate?.subject,
  }
}

/** All that decides whether a message goes the same way: servers, their order, their logins and their settings. */
function fingerprint({ outcome, exchanges }: Decision): string {
  const parts = exchanges.map((exchange) => [
    exchangeKey(exchange),
    exchange.priority,
    exchange.origin.kind === 'dns' && directWords(exchange),
    waysOf(exchange),
  ])
  return JSON.stringify([outcome, ...(outcome === 'deliver' ? parts : [])])
}

/** Where a message would go. Made-up MX records are not named: `direct` stands for the domain's own, whatever they are. */
function decisionText(decision: Decision, madeUp: boolean): string {
  const { noRoute, exchanges } = decision
  const servers =
    madeUp && decision.outcome === 'deliver'
      ? exchanges.map((exchange) =>
          exchange.origin.kind === 'dns'
            ? directWords(exchange)
            : decisionWords({ ...decision, exchanges: [exchange] }),
        )
      : [decisionWords(decision)]
  return `${[...new Set(servers)].join(', ')} (${noRoute === undefined ? `by ${describeSource(decision)}` : toPrintable(noRoute.message)})`
}

/** A change as text. It is the same for all messages with this change. */
function changeText({ part, before, after }: Change, looksUp: boolean, ink: Paint): string {
  const madeUp = !looksUp && part.mx === undefined
  const same = decisionWords(before) === decisionWords(after)
  return [
    `  ${ink.bad(`- ${decisionText(before, madeUp)}`)}`,
    `  ${ink.good(`+ ${decisionText(after, madeUp)}`)}`,
    ...(same ? ['    the same servers, in another order or with other settings'] : []),
    '',
  ].join('\n')
}

/** All changes. Those with the same text are one row, with their number and the first of the messages. */
function changesText(changes: readonly Change[], looksUp: boolean, ink: Paint): string {
  const groups = new Map<string, Change[]>()
  for (const change of changes) {
    const text = changeText(change, looksUp, ink)
    const group = groups.get(text)
    if (group === undefined) groups.set(text, [change])
    else group.push(change)
  }
  return [...groups]
    .map(([text, [first, ...others]]) => {
      const number = others.length === 0 ? '' : `${others.length + 1} messages, for example `
      return `${number}${ink.strong(toPrintable(first!.part.name))}\n${text}\n`
    })
    .join('')
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

async function compare(
  messages: readonly NamedMessage[],
  before: Configuration,
  after: Configuration,
  lookup: Lookup,
): Promise<readonly Change[]> {
  const changes: Change[] = []
  for (const message of messages) {
    const { mx } = message
    const source = mx === undefined ? lookup : { mx: () => mx }
    for (const part of await divideByBoth(message, [before, after], source)) {
      const change = {
        message,
        part,
        before: await decideWithDns(decide, { rules: before.rules, message: part.message }, source),
        after: await decideWithDns(decide, { rules: after.rules, message: part.message }, source),
      }
      if (fingerprint(change.before) !== fingerprint(change.after)) changes.push(change)
    }
  }
  return changes
}

/** The parts of a message that go the same way, before and after. It is one part, unless a configuration divides it by `$rcpt`. */
async function divideByBoth(
  whole: NamedMessage,
  [before, after]: readonly [Configuration, Configuration],
  source: DomainSource,
): Promise<readonly NamedMessage[]> {
  const parts: Message[] = []
  for (const part of await divideMessage(before, whole.message, source)) {
    parts.push(...(await divideMessage(after, part, source)))
  }
  if (parts.length === 1) return [whole]
  return parts.map((message) => ({
    ...whole,
    message,
    name: `${whole.name} (for ${message.rcptTo.join(', ')})`,
  }))
}

const countMessages = (changes: readonly Change[]) => new Set(changes.map(({ message }) => message)).size

/** The files OLD and NEW. @throws UsageError if the standard input is named twice */
async function findBoth({ operands }: Arguments, terminal: Terminal): Promise<readonly [Location, Location]> {
  const [older, newer] = operands as readonly [string, string]
  if (operands.filter((operand) => operand === '-').length > 1) {
    throw new UsageError('diff: only one of OLD, NEW and LIST can be -')
  }
  return [await findOperand(older, terminal), await findOperand(newer, terminal)]
}

/** `dns-overrides diff`: exit status 0 whether there are differences or not. */
export async function runDiff(args: Arguments, terminal: Terminal): Promise<number> {
  const [older, newer] = await findBoth(args, terminal)
  const before = requireConfiguration(older, terminal)
  const after = requireConfiguration(newer, terminal)
  const messages = await readMessages(args, terminal, [before, after])
  const lookup = args.flag('lookup')
    ? openLookup(after, readOutboundSettings(newer), (message) => terminal.err(`${message}\n`))
    : useGivenMx(assumedMx)
  try {
    const changes = await compare(messages, before, after, lookup)
    if (args.flag('json')) {
      const rows = changes.map((change) => ({
        message: change.message.name,
        domain: change.part.message.domain,
        ...(change.part === change.message ? {} : { recipients: change.part.message.rcptTo }),
        before: decisionJson(change.before),
        after: decisionJson(change.after),
      }))
      terminal.out(formatJson({ messages: messages.length, changes: rows }))
    } else {
      const ink = paint(terminal.color.out)
      terminal.out(changesText(changes, args.flag('lookup'), ink))
      terminal.out(
        `${countMessages(changes)} of ${formatCount(messages.length, 'message')} would go elsewhere\n`,
      )
    }
    return EXIT.ok
  } finally {
    lookup.close()
  }
}
