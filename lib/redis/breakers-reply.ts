import { toPrintable } from '../model/printable'
import { hideAddresses } from './hide-addresses'
import { LONGEST_PAUSE_MS, TRIAL_TIME_MS, type Trouble } from '../relays/breaker'
import { isField } from './keys'

/** The state of a server by the reports of others; `trouble` undefined: it works. */
export interface SharedServer {
  readonly field: string
  readonly trouble: Trouble | undefined
}

/** The reply to `TROUBLES`. */
export interface TroublesReply {
  /** To be sent in the next call, like `version`. */
  readonly epoch: string
  readonly version: number
  /** Is it all that Redis knows? If not, only what has changed. */
  readonly isAll: boolean
  readonly servers: readonly SharedServer[]
}

/** The reply to `TRIAL`. */
export interface TrialReply {
  readonly isGiven: boolean
  readonly server: SharedServer
}

const FIELDS = 6
const MOST_SERVERS = 10_000
const MOST_FAILURES = 1_000_000
const LONGEST_REASON = 200

/** Why a server failed, in a form that others may see. */
export const sharedReason = (reason: string): string =>
  toPrintable(hideAddresses(reason), { max: LONGEST_REASON })

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

/**
 * Reads a reply as strictly as an answer of a DNS server: others can write to Redis too. No pause is longer than this program makes
 * them.
 *
 * @throws Error if the reply does not fit the question
 */
export function readTroubles(reply: unknown): TroublesReply {
  const [kind, epoch, version, isAll, list] = Array.isArray(reply) ? (reply as unknown[]) : []
  if (kind !== 'troubles' || typeof epoch !== 'string' || !/^\d{1,20}$/.test(epoch) || !isCount(version)) {
    throw new Error('Redis sent something other than the state of breakers')
  }
  if (!Array.isArray(list) || list.length % FIELDS !== 0 || list.length > MOST_SERVERS * FIELDS) {
    throw new Error('Redis sent no list of breakers')
  }
  const servers = Array.from({ length: list.length / FIELDS }, (_, index) =>
    readServer(list.slice(index * FIELDS, (index + 1) * FIELDS)),
  )
  return { epoch, version, isAll: isAll === 1, servers: servers.filter((server) => server !== undefined) }
}

/** As {@link readTroubles}. */
export function readTrial(reply: unknown): TrialReply {
  const [kind, isGiven, fields] = Array.isArray(reply) ? (reply as unknown[]) : []
  const server = Array.isArray(fields) && fields.length === FIELDS ? readServer(fields) : undefined
  if (kind !== 'trial' || server === undefined) {
    throw new Error('Redis sent something other than whether a server may be tried')
  }
  return { isGiven: isGiven === 1, server }
}

function readServer([field, failures, pauseMs, openMs, trialMs, reason]: readonly unknown[]):
  SharedServer | undefined {
  if (!isField(field) || !isCount(failures) || !isCount(pauseMs) || !isCount(openMs) || !isCount(trialMs))
    return undefined
  if (typeof reason !== 'string') return undefined
  if (failures === 0) return { field, trouble: undefined }
  const pause = Math.min(pauseMs, LONGEST_PAUSE_MS)
  return {
    field,
    trouble: {
      failures: Math.min(failures, MOST_FAILURES),
      pauseMs: pause,
      openMs: Math.min(openMs, pause),
      trialMs: Math.min(trialMs, TRIAL_TIME_MS),
      lastFailure: sharedReason(reason),
    },
  }
}
