import { CONFIGURATION_PATH } from '../files/configuration-source'
import { formatCount } from './wording'
import type { Facts } from './facts'
import type { ServerOverview } from './overview'
import { describeHold, describeTrouble, usabilityOf } from './relay-summary'
import type { RelayView } from './relay-views'

/** A DNS server that has failed this often in a row does not answer; one lost packet says nothing. */
const FAILING = 2
/** The most relays that a problem names. */
const MOST_NAMED = 5

/** Why the server cannot do its work; empty if it can. */
export function findProblems({ configuration, facts, server, relays }: ServerOverview): readonly string[] {
  if (configuration === undefined) return [`no rules are in force: ${CONFIGURATION_PATH} has errors`]
  const unknown = server.kind === 'unknown' ? [`the state of the server is not known: ${server.reason}`] : []
  const silent = facts === undefined && server.kind !== 'unknown' ? ['the server has not reported yet'] : []
  return [...unknown, ...silent, ...(facts === undefined ? [] : dnsProblems(facts)), ...relayProblems(relays)]
}

/** Sets of servers of which none answers any worker. */
function dnsProblems({ workers }: Facts): readonly string[] {
  const zones = new Map<string, boolean>()
  for (const { server: _, zone = '', failures } of workers.flatMap(({ dns }) => dns.servers)) {
    zones.set(zone, (zones.get(zone) ?? true) && failures >= FAILING)
  }
  return [...zones].flatMap(([zone, areFailing]) => {
    if (!areFailing) return []
    return [zone === '' ? 'no DNS server answers' : `no DNS server of [zone:${zone}] answers`]
  })
}

/** Relays of the file, if there are any and none can be used. */
function relayProblems(relays: readonly RelayView[]): readonly string[] {
  const named = relays.filter(({ name, key }) => name !== undefined && key !== undefined)
  const areUseless = named.every(({ hold, summary }) => {
    if (hold !== undefined) return true
    return summary !== undefined && usabilityOf(summary) === 'left-out'
  })
  if (named.length === 0 || !areUseless) return []
  const shown = named.slice(0, MOST_NAMED).map(({ name, hold, summary }) => {
    const trouble = hold === undefined ? summary && describeTrouble(summary) : describeHold(hold)
    return `@${name} is ${trouble ?? 'not usable'}`
  })
  const rest = named.length - shown.length
  return [`no relay can be used: ${[...shown, ...(rest > 0 ? [formatCount(rest, 'more')] : [])].join('; ')}`]
}
