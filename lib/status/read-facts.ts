import { FAILED_STEPS } from '../model/message'
import { type Fields, isAmount, isFields, readList, readText, toAmount } from '../model/foreign-json'
import { formatParts, readPart } from '../model/json-parts'
import type { WrittenFacts } from './collector'
import type { Counts, LineHits } from './counts'
import { ACTIONS, SOURCES } from './decision-counts'
import {
  type AttemptEnd,
  type DecisionEntry,
  type ConnectionEntry,
  type DnsServerFacts,
  type Facts,
  type MinuteCounts,
  MOST_DECISIONS,
  MOST_CONNECTIONS,
  MOST_DNS_SERVERS,
  MOST_MINUTES,
  MOST_RECIPIENTS,
  MOST_SERVERS,
  MOST_WORKERS,
  type SharingFacts,
  WAIT_REASONS,
  type WorkerFacts,
  type WorkerReport,
} from './facts'

/** Counts of one report or file. */
const MOST_COUNTS = 50_000
const MOST_LINES = 1_000_000
/** The hash of a line. */
const HASH = /^[\da-f]{16}$/

const toText = (value: unknown) => readText(value) ?? ''

function readCounts(value: unknown): Counts {
  if (!isFields(value)) return {}
  const known = Object.entries(value).slice(0, MOST_COUNTS)
  return Object.fromEntries(
    known.flatMap(([key, amount]) => (isAmount(amount) ? [[toText(key), amount]] : [])),
  )
}

function readHits(value: unknown): Readonly<Record<string, LineHits>> {
  if (!isFields(value)) return {}
  const known = Object.entries(value).slice(0, MOST_LINES)
  return Object.fromEntries(
    known.flatMap(([key, hits]) =>
      HASH.test(key) && isFields(hits)
        ? [[key, { count: toAmount(hits.count), last: toAmount(hits.last) }]]
        : [],
    ),
  )
}

function readConnection({ server, address, tls, failed, text }: Fields): ConnectionEntry {
  return {
    server: toText(server),
    address: toText(address),
    tls: tls === true,
    failed: FAILED_STEPS.find((word) => word === failed) ?? '',
    text: toText(text),
  }
}

function readEnd(value: unknown): { end?: AttemptEnd } {
  if (!isFields(value)) return {}
  const { at, delivered, bounced, connections } = value
  return {
    end: {
      at: toAmount(at),
      delivered: delivered === true,
      ...(bounced === true ? { bounced } : {}),
      connections: readList(connections, MOST_CONNECTIONS, readConnection),
    },
  }
}

const texts = (value: unknown, most: number): string[] =>
  Array.isArray(value) ? value.slice(0, most).flatMap((each: unknown) => readText(each) ?? []) : []

function readDecision(fields: Fields): DecisionEntry | undefined {
  const { key, id, lines } = fields
  const source = SOURCES.find((word) => word === fields.source)
  const action = ACTIONS.find((word) => word === fields.action)
  const wait = WAIT_REASONS.find((word) => word === fields.wait)
  if (typeof key !== 'string' || typeof id !== 'string' || source === undefined || action === undefined) {
    return undefined
  }
  return {
    key: toText(key),
    id: toText(id),
    file: toText(fields.file),
    at: toAmount(fields.at),
    domain: toText(fields.domain),
    sender: toText(fields.sender),
    recipients: texts(fields.recipients, MOST_RECIPIENTS),
    otherRecipients: toAmount(fields.otherRecipients),
    size: toAmount(fields.size),
    retries: toAmount(fields.retries),
    source,
    action,
    lines: Array.isArray(lines) ? lines.slice(0, MOST_CONNECTIONS).filter(isAmount) : [],
    exchanges: texts(fields.exchanges, MOST_CONNECTIONS),
    reason: toText(fields.reason),
    ...(wait === undefined ? {} : { wait }),
    ...readEnd(fields.end),
  }
}

function readDnsServer({ server, transport, zone, rttMs, failures }: Fields): DnsServerFacts | undefined {
  const name = readText(server)
  if (name === undefined) return undefined
  return {
    server: name,
    transport: transport === 'tls' ? 'tls' : 'udp',
    ...(typeof zone === 'string' ? { zone: toText(zone) } : {}),
    ...(isAmount(rttMs) ? { rttMs } : {}),
    failures: toAmount(failures),
  }
}

function readWorker(fields: Fields): WorkerFacts | undefined {
  const { pid, inForce, reading } = fields
  const dns = isFields(fields.dns) ? fields.dns : {}
  const queue = isFields(fields.queue) ? fields.queue : {}
  if (!isAmount(pid)) return undefined
  return {
    pid,
    ...(isFields(inForce)
      ? {
          inForce: {
            since: toAmount(inForce.since),
            digest: toText(inForce.digest),
            lines: toAmount(inForce.lines),
            relays: toAmount(inForce.relays),
          },
        }
      : {}),
    ...(isFields(reading)
      ? { reading: { at: toAmount(reading.at), good: reading.good === true, reason: toText(reading.reason) } }
      : {}),
    dns: {
      entries: toAmount(dns.entries),
      inFlight: toAmount(dns.inFlight),
      queued: toAmount(dns.queued),
      servers: readList(dns.servers, MOST_DNS_SERVERS, readDnsServer),
    },
    queue: {
      threads: toAmount(queue.threads),
      running: toAmount(queue.running),
      ready: toAmount(queue.ready),
      deferred: toAmount(queue.deferred),
    },
    waiting: readCounts(fields.waiting),
    waitingAt: readCounts(fields.waitingAt),
  }
}

/** The report of a worker, as it comes over a channel; undefined if it is not one. */
export function readReport(value: unknown): WorkerReport | undefined {
  if (!isFields(value) || !isFields(value.worker)) return undefined
  const worker = readWorker(value.worker)
  if (worker === undefined) return undefined
  return {
    worker,
    counts: readCounts(value.counts),
    hits: readHits(value.hits),
    decisions: readList(value.decisions, MOST_DECISIONS, readDecision),
  }
}

const readMinute = ({ at, decisions }: Fields): MinuteCounts | undefined =>
  isAmount(at) ? { at, decisions: readCounts(decisions) } : undefined

/** Puts facts together from the lines of their file. */
export class FactsReader {
  readonly #counts = new Map<string, number>()
  readonly #minutes: MinuteCounts[] = []
  readonly #decisions: DecisionEntry[] = []
  readonly #workers: WorkerFacts[] = []
  #head: Fields | undefined

  /** @throws SyntaxError if the line is not JSON */
  add(line: string): void {
    const fields = readPart(line)
    if (fields === undefined) return
    this.#head ??= fields
    for (const { key, amount } of readList(fields.counts, MOST_COUNTS - this.#counts.size, readCount)) {
      this.#counts.set(key, amount)
    }
    const { minutes, decisions, workers } = fields
    this.#minutes.push(...readList(minutes, MOST_MINUTES - this.#minutes.length, readMinute))
    this.#decisions.push(...readList(decisions, MOST_DECISIONS - this.#decisions.length, readDecision))
    this.#workers.push(...readList(workers, MOST_WORKERS - this.#workers.length, readWorker))
  }

  /** undefined if it was not such a file. */
  get facts(): Facts | undefined {
    if (this.#head === undefined || !isAmount(this.#head.pid) || !isAmount(this.#head.updated))
      return undefined
    const { pid, started, updated, redisUp, sharing } = this.#head
    return {
      pid,
      started: toAmount(started),
      updated,
      ...(typeof redisUp === 'boolean' ? { redisUp } : {}),
      ...(isFields(sharing) ? { sharing: readSharing(sharing) } : {}),
      counts: this.#counts,
      minutes: this.#minutes,
      decisions: this.#decisions,
      workers: this.#workers,
    }
  }
}

const readSharing = ({ since, servers }: Fields): SharingFacts => ({
  since: toAmount(since),
  servers: readList(servers, MOST_SERVERS, ({ name, workers }) => ({
    name: toText(name),
    workers: toAmount(workers),
  })),
})

const readCount = ({ key, amount }: Fields): { key: string; amount: number } | undefined =>
  typeof key === 'string' && isAmount(amount) ? { key: toText(key), amount } : undefined

/** Facts as a file has them, a line at a time. */
export function* formatFacts({
  counts,
  minutes,
  decisions,
  workers,
  ...fields
}: Facts | WrittenFacts): Generator<string, void> {
  const lists = { counts: listAmounts(counts), minutes, decisions, workers }
  for (const line of formatParts(fields, lists)) yield `${line}\n`
}

function* listAmounts(counts: ReadonlyMap<string, number>): Generator<{ key: string; amount: number }, void> {
  for (const [key, amount] of counts) yield { key, amount }
}
