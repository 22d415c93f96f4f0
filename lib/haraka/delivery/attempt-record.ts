import { exchangeLabel } from '../../model/exchange'
import { toPrintable } from '../../model/printable'
import type { DecisionSlot } from '../../status/decision-ring'
import { type ConnectionEntry, MOST_CONNECTIONS } from '../../status/facts'
import type { Recorder } from '../../status/recorder'
import type { AttemptReport } from './attempt-runner'
import { findSetback, type ConnectionReport } from './setback'

function describeConnection(connection: ConnectionReport, isTaken: boolean): ConnectionEntry {
  const { exchange, address, encrypted, session } = connection
  const setback = isTaken ? undefined : findSetback(connection)
  return {
    server: toPrintable(exchangeLabel(exchange)),
    address,
    tls: encrypted,
    failed: setback?.failed ?? '',
    text: setback?.text ?? session?.reply?.text ?? '',
  }
}

/** Records how an attempt ended. @param at milliseconds since the epoch */
export function recordEnd(
  recorder: Recorder,
  slot: DecisionSlot,
  { delivered, bounced, connections, deferral }: AttemptReport,
  at: number,
): void {
  const entries = connections.map((connection, index) =>
    describeConnection(connection, delivered && index === connections.length - 1),
  )
  const tried = connections.map(
    ({ exchange }, index) => [exchange, entries[index]!.failed || 'delivered'] as const,
  )
  const end = {
    at,
    delivered,
    ...(bounced ? { bounced } : {}),
    connections: entries.slice(-MOST_CONNECTIONS),
  }
  recorder.recordEnd(slot, end, { tried, reason: deferral })
}
