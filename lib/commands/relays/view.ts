import type { Paint } from '../../status/paint'
import { describeHold, describeTrouble, usabilityOf, type RelaySummary } from '../../status/relay-summary'
import type { RelayView, TermsView } from '../../status/relay-views'
import type { ServerState } from '../../status/server-state'
import { formatCount } from '../../status/wording'

function stateText({ hold, summary, unresolved }: RelayView, state: ServerState, ink: Paint): string {
  if (hold !== undefined) return ink.warn(describeHold(hold))
  if (summary === undefined)
    return ink.warn(state.kind === 'none' ? 'not known, no server runs' : 'not known')
  const trouble = describeTrouble(summary)
  if (trouble === undefined) return unresolved === undefined ? ink.good('usable') : ink.bad('no address')
  return usabilityOf(summary) === 'left-out' ? ink.bad(trouble) : ink.warn(trouble)
}

const ofLimit = (limit: number | undefined) => (limit === undefined ? '' : ` of ${limit}`)

function countsText({
  connections,
  maxConnections,
  sentLastHour,
  maxPerHour,
  waiting,
}: RelaySummary): string {
  return [
    `connections ${connections}${ofLimit(maxConnections)}`,
    `sent in the last hour ${sentLastHour}${ofLimit(maxPerHour)}`,
    ...(waiting === 0 ? [] : [`${formatCount(waiting, 'message')} waiting`]),
  ].join(', ')
}

/** A relay for a reader: one line with its state, then what is counted. */
export function relayText(view: RelayView, state: ServerState, ink: Paint): string {
  const { name, key, summary, unresolved } = view
  const title = [...(name === undefined ? [] : [`@${name}`]), key ?? 'not in the configuration'].join('  ')
  return [
    `${ink.strong(title)}  ${stateText(view, state, ink)}`,
    ...(unresolved === undefined ? [] : [`    ${ink.bad(unresolved)}`]),
    ...(summary === undefined ? [] : [`    ${countsText(summary)}`]),
    '',
  ].join('\n')
}

/** Terms for a reader: as a relay, and then each server that is left out. */
export function termsText({ leftOut, ...view }: TermsView, state: ServerState, ink: Paint): string {
  const rows = leftOut.map((server) => `    ${server.key}  ${ink.warn(describeTrouble(server) ?? '')}\n`)
  return [relayText(view, state, ink), ...rows].join('')
}

const isoTime = (at: number) => new Date(at).toISOString()

/** A relay as `--json` prints it, times as ISO 8601. What is not known is absent. */
export function relayJson({ key, name, hold, summary, unresolved }: RelayView): Record<string, unknown> {
  const { retryAt, hold: _, key: __, name: ___, ...counts } = summary ?? {}
  return {
    ...(key === undefined ? {} : { key }),
    ...(name === undefined ? {} : { name }),
    held: hold !== undefined,
    ...(hold === undefined
      ? {}
      : {
          hold: {
            since: isoTime(hold.since),
            ...(hold.until === undefined ? {} : { until: isoTime(hold.until) }),
            ...(hold.reason === undefined ? {} : { reason: hold.reason }),
          },
        }),
    ...counts,
    ...(retryAt === undefined ? {} : { retryAt: isoTime(retryAt) }),
    ...(unresolved === undefined ? {} : { unresolved }),
  }
}

/** Terms as `--json` prints them. */
export function termsJson({ leftOut, ...view }: TermsView): Record<string, unknown> {
  const { breaker: _, failingWorkers: __, failures: ___, ...known } = relayJson(view)
  return { ...known, leftOut: leftOut.map((server) => serverJson(server)) }
}

function serverJson({ key, failingWorkers, failures, lastFailure, retryAt }: RelaySummary) {
  return {
    key,
    failingWorkers,
    failures,
    ...(lastFailure === undefined ? {} : { lastFailure }),
    ...(retryAt === undefined ? {} : { retryAt: isoTime(retryAt) }),
  }
}
