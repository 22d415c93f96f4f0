import type { Decision } from '../model/decision'
import type { FailedStep } from '../model/message'
import type { ServerStats } from '../dns/stats'
import type { Counts, Increments, LineHits } from './counts'
import type { Action } from './decision-counts'

/** One connection of an attempt. */
export interface ConnectionEntry {
  /** `relay NAME` or `[user@]host:port`. */
  readonly server: string
  readonly address: string
  readonly tls: boolean
  /** At which step it failed; empty if the server took the message. */
  readonly failed: FailedStep
  /** What the server said, or what went wrong. */
  readonly text: string
}

/** How an attempt ended. */
export interface AttemptEnd {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly delivered: boolean
  /** The message ended with this attempt, as undeliverable. Absent if not, or if only some of its recipients were given up. */
  readonly bounced?: true
  /** In the order in which they were tried. */
  readonly connections: readonly ConnectionEntry[]
}

/** One decision, and what came of it. All text is printable; holds no secret. */
export interface DecisionEntry {
  /** Tells it from all others of the server: process id and number. */
  readonly key: string
  /** The message's id, as the log has it. */
  readonly id: string
  /** The name of its file in the queue at that time; empty if it is not known. */
  readonly file: string
  /** When it was decided, milliseconds since the epoch. */
  readonly at: number
  readonly domain: string
  /** Empty for the null sender. */
  readonly sender: string
  /** The first ones; see {@link MOST_RECIPIENTS}. */
  readonly recipients: readonly string[]
  /** How many there are besides. */
  readonly otherRecipients: number
  /** Bytes. */
  readonly size: number
  /** Attempts before this one. */
  readonly retries: number
  readonly source: Decision['source']
  /** Numbers of the lines that matched. */
  readonly lines: readonly number[]
  readonly action: Action
  /** The servers in the order in which they are tried, as `relay NAME` or `[user@]host:port`. */
  readonly exchanges: readonly string[]
  /** For what it waits now, without an attempt being counted; absent if it does not. */
  readonly wait?: WaitReason
  /** Why it is not tried, or waits; empty if there is nothing to say. */
  readonly reason: string
  /** Absent while it is under way, and where nothing was tried. */
  readonly end?: AttemptEnd
}

/** What became of the last reading of the file. */
export interface ReadingResult {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly good: boolean
  /** Of one that was refused: why, as the rest of a sentence about the file; else empty. */
  readonly reason: string
}

/** The rules in force in a worker. */
export interface ActiveRules {
  /** Milliseconds since the epoch. */
  readonly since: number
  /** Of the file's content, as `readConfigurationSource` gives it. */
  readonly digest: string
  /** Override lines. */
  readonly lines: number
  readonly relays: number
}

/** One DNS server as a worker sees it. */
export type DnsServerFacts = Pick<ServerStats, 'server' | 'transport' | 'zone' | 'rttMs' | 'failures'>

/** Why messages wait without an attempt being counted. */
export const WAIT_REASONS = [
  'held',
  'connections',
  'quota',
  'relay',
  'token',
  'dns',
  'plugins',
  'configuration',
  'disk',
] as const
/** One of {@link WAIT_REASONS}. */
export type WaitReason = (typeof WAIT_REASONS)[number]

/** One worker as it is now. */
export interface WorkerFacts {
  readonly pid: number
  /** Absent while there are no rules. */
  readonly inForce?: ActiveRules
  readonly reading?: ReadingResult
  readonly dns: {
    /** Answers remembered. */
    readonly entries: number
    readonly inFlight: number
    readonly queued: number
    readonly servers: readonly DnsServerFacts[]
  }
  /** Haraka's queue: messages sent at once at most, being sent, ready to be sent, and waiting for their next attempt. */
  readonly queue: {
    readonly threads: number
    readonly running: number
    readonly ready: number
    readonly deferred: number
  }
  /** Messages that wait, by {@link WaitReason}. */
  readonly waiting: Counts
  /** The same by `sectionKey` of what they wait for. */
  readonly waitingAt: Counts
}

/** What a worker reports every second in which something happens. */
export interface WorkerReport extends Increments {
  /** New, or changed since the last report. */
  readonly decisions: readonly DecisionEntry[]
  readonly worker: WorkerFacts
}

/** Decisions of one minute, by `source action`. */
export interface MinuteCounts {
  /** Its beginning, milliseconds since the epoch. */
  readonly at: number
  readonly decisions: Counts
}

/** The servers that use the same Redis. */
export interface SharingFacts {
  /** Since when hits of lines are counted over all of them, milliseconds since the epoch. */
  readonly since: number
  readonly servers: readonly { readonly name: string; readonly workers: number }[]
}

/** What is known of a running server, over all its workers. */
export interface Facts {
  /** The process that adds up: the master, or the only one. */
  readonly pid: number
  /** Since when it counts, and when this was written. Milliseconds since the epoch. */
  readonly started: number
  readonly updated: number
  /** Does Redis answer this server? Absent: it is not used. */
  readonly redisUp?: boolean
  /** What Redis has said last of the servers that share; absent before it has answered. */
  readonly sharing?: SharingFacts
  /** By {@link COUNTS}. */
  readonly counts: ReadonlyMap<string, number>
  /** The last hour, oldest first; minutes without a decision are left out. */
  readonly minutes: readonly MinuteCounts[]
  /** The last decisions, newest first. */
  readonly decisions: readonly DecisionEntry[]
  readonly workers: readonly WorkerFacts[]
}

/** Hits by `hashLine` of the line. */
export type HitsByLine = ReadonlyMap<string, LineHits>

/** The most decisions that are remembered, over all workers. */
export const MOST_DECISIONS = 1_000
/** The most characters that all of them together may have, as JSON: of longer ones fewer are remembered. */
export const MOST_CHARACTERS = 4_000_000
/** The most recipients of one decision by which it can be found. */
export const MOST_RECIPIENTS = 1_000
/** The most servers, workers and DNS servers that are shown. */
export const MOST_SERVERS = 1_000
export const MOST_WORKERS = 1_024
export const MOST_DNS_SERVERS = 1_000
/** The most connections and servers of one decision that are kept. */
export const MOST_CONNECTIONS = 20
/** Minutes of decisions that are kept. */
export const MOST_MINUTES = 60
