import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashLine } from '../../lib/haraka-files/notes'
import { relayKey } from '../../lib/model/exchange'
import { openStateFolder, prepareStateFolder } from '../../lib/relays/state-folder'
import type { ServerStatus } from '../../lib/relays/types'
import type { Configuration } from '../../lib/routing/configuration'
import { Collector } from '../../lib/status/collector'
import type { DecisionEntry } from '../../lib/status/facts'
import { FactsFile } from '../../lib/status/facts-file'
import type { OverviewSource } from '../../lib/status/overview'
import { configure } from './rules'

/** What one big server reports, in a state folder. */
export interface LargeServer {
  readonly source: OverviewSource
  readonly close: () => void
}

/** A server with so many lines and relays, all of them in use, and as many decisions as are remembered. Nothing is looked up in DNS. */
export function openLargeServer({ lines, relays }: { lines: number; relays: number }): LargeServer {
  const configuration = configure(
    [
      ...Array.from({ length: lines }, (_, i) => `d${i}.example @relay${i % relays} $size<${i + 1}K`),
      ...Array.from(
        { length: relays },
        (_, i) => `[relay:relay${i}]\nhost = mx${i}.isp.example\nmax_per_hour = 1000`,
      ),
    ].join('\n'),
  )
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-large-'))
  prepareStateFolder(folder)
  const warn = (message: string) => {
    throw new Error(message)
  }
  const state = openStateFolder({ path: folder, now: Date.now, warn })
  const servers = configuration.settings.relays.map(reportOf)
  state.publish(
    () => ({ role: 'worker', holds: [], servers }),
    () => {},
  )
  // Writes the whole at once.
  state.close()
  reportUse(configuration, folder, relays, warn)
  return {
    source: {
      folder,
      configuration: () => configuration,
      now: Date.now,
      withLookup: () => Promise.reject(new Error('nothing is looked up')),
      queueFolder: () => folder,
      isOwn: () => false,
      intervals: () => [60, 120],
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

type NamedRelay = Configuration['settings']['relays'][number]

/** Every third is left out. */
function reportOf(relay: NamedRelay, index: number): ServerStatus {
  const failure = { lastFailure: '421 4.3.2 too busy now', retryAt: Date.now() + 60_000 }
  return {
    key: relayKey(relay),
    name: relay.name,
    ...(index % 3 === 0 ? { breaker: 'open', failures: 4, ...failure } : { breaker: 'closed', failures: 0 }),
    held: false,
    connections: index % 7,
    waiting: index % 5,
    sentLastHour: index % 1000,
  }
}

function reportUse(
  { rules }: Configuration,
  folder: string,
  relays: number,
  warn: (message: string) => void,
): void {
  const now = Date.now()
  const collector = new Collector({ pid: process.pid, now: Date.now })
  collector.add({
    counts: Object.fromEntries(
      Array.from({ length: relays }, (_, i) => [`connections relay${i} delivered`, i + 1] as const),
    ),
    hits: Object.fromEntries(
      rules.lines.map(({ text }, i) => [hashLine(text), { count: 1 + ((i * 7919) % 5000), last: now }]),
    ),
    decisions: Array.from({ length: 1_000 }, (_, i) => decisionOf(i, now)),
    worker: {
      pid: process.pid,
      dns: { entries: 1, inFlight: 0, queued: 0, servers: [] },
      queue: { threads: 1, running: 0, ready: 0, deferred: 0 },
      waiting: {},
      waitingAt: {},
    },
  })
  const facts = new FactsFile({ folder, collector, warn })
  facts.noteChange({ hits: true })
  facts.close()
}

function decisionOf(i: number, at: number): DecisionEntry {
  const connection = {
    server: `relay relay${i}`,
    address: '192.0.2.1',
    tls: true,
    failed: 'rcpt' as const,
    text: `450 4.7.1 ${'try again later '.repeat(10)}`,
  }
  return {
    key: `7.${i}`,
    id: `8C0F4E37-1D2B-4A5C-9E7F-${String(i).padStart(12, '0')}.1.1`,
    at,
    domain: `d${i}.example`,
    sender: `sender${i}@here.example`,
    file: '',
    recipients: [`recipient${i}@d${i}.example`],
    otherRecipients: 0,
    size: 10_000,
    retries: 0,
    source: 'overrides',
    lines: [i + 1],
    action: 'try',
    exchanges: [`relay relay${i}`],
    reason: '',
    end: { at, delivered: false, connections: [connection, connection, connection] },
  }
}
