import { DnsOverridesError, UsageError } from '../../model/errors'
import { DAY_MS, formatDuration, parseDuration } from '../../model/duration'
import { toPrintable } from '../../model/printable'
import { holdRelay, NoServerError, resumeRelay, type HoldReport } from '../../relays/hold-by-hand'
import { nearest } from '../../source/suggest'
import type { Arguments } from '../shared/parsed-arguments'
import { whyNoAccess } from '../../status/server-state'
import { formatCount, formatTime, joinWords } from '../../status/wording'

/** A hold or its end, by `--hold` or `--resume`. */
export interface HoldRequest {
  readonly verb: 'hold' | 'resume'
  /** As written. */
  readonly relay: string
  /** Milliseconds. */
  readonly durationMs?: number
  readonly reason?: string
}

/** The result of a request. */
export interface HoldResult {
  /** One sentence for the operator. */
  readonly message: string
  /** False if a worker did not confirm it. */
  readonly isConfirmed: boolean
}

const LONGEST_DURATION_MS = 366 * DAY_MS

function readDuration(args: Arguments): number | undefined {
  const text = args.value('for')
  const durationMs = text === undefined ? undefined : parseDuration(text)
  if (text === undefined) return undefined
  if (durationMs !== undefined && durationMs >= 1000 && durationMs <= LONGEST_DURATION_MS) return durationMs
  throw new UsageError(`relays: --for takes a time up to a year, for example 30m, 2h or 1d, not "${text}"`)
}

/**
 * The request that the options make, if any.
 *
 * @throws UsageError if the options do not fit together
 */
export function readRequest(args: Arguments): HoldRequest | undefined {
  const [hold, resume, reason] = [args.value('hold'), args.value('resume'), args.value('reason')]
  if (hold !== undefined && resume !== undefined) throw new UsageError('relays: --hold or --resume, not both')
  if (hold === undefined) {
    const stray = ['for', 'reason'].find((name) => args.value(name) !== undefined)
    if (stray !== undefined) throw new UsageError(`relays: --${stray} needs --hold NAME`)
    return resume === undefined ? undefined : { verb: 'resume', relay: resume }
  }
  const durationMs = readDuration(args)
  return {
    verb: 'hold',
    relay: hold,
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(reason === undefined || reason.trim() === '' ? {} : { reason: reason.trim() }),
  }
}

/** The name of the relay or the terms in the file. Case does not matter, and an `@` may stand before it. */
function findName({ verb, relay }: HoldRequest, known: readonly string[]): string {
  const plain = relay.replace(/^@/, '')
  const name =
    known.find((each) => each === plain) ?? known.find((each) => each.toLowerCase() === plain.toLowerCase())
  if (name !== undefined) return name
  const suggestion = nearest(plain, known)
  const hint =
    suggestion === undefined ? `the names are ${known.join(', ') || 'none'}` : `did you mean ${suggestion}?`
  throw new UsageError(`relays: --${verb} takes the name of a relay or of terms, not "${relay}"; ${hint}`)
}

function describeHeld(
  name: string,
  { durationMs, reason }: HoldRequest,
  report: HoldReport,
  now: number,
): string {
  if (!report.changed) return `@${name} was held already`
  const end =
    durationMs === undefined
      ? 'until it is resumed'
      : `for ${formatDuration(durationMs)}, until ${formatTime(now + durationMs)}`
  return `@${name} is held: no mail goes to it ${end}${reason === undefined ? '' : ` (${toPrintable(reason)})`}`
}

function describeResult(name: string, request: HoldRequest, report: HoldReport, now: number): HoldResult {
  const { confirmedBy, missing, changed } = report
  const held = request.verb === 'hold'
  const done = held
    ? describeHeld(name, request, report, now)
    : `@${name} ${changed ? 'is resumed' : 'was not held'}`
  if (missing.length > 0) {
    const who = `${missing.length} of ${formatCount(missing.length + confirmedBy.length, 'worker')}`
    const still = held ? 'still send mail to it' : 'still hold it'
    const pids = joinWords(missing)
    return {
      isConfirmed: false,
      message: `@${name}: ${who} did not confirm in time and may ${still} (process ${pids})`,
    }
  }
  const by =
    confirmedBy.length === 0
      ? '; no server runs that could confirm it'
      : `; confirmed by ${formatCount(confirmedBy.length, 'worker')}`
  return { isConfirmed: true, message: `${done}${by}` }
}

/**
 * Holds or resumes a relay, and waits until the workers of the running server confirm it.
 *
 * @param folder the state folder
 * @param known names of relays that may be meant
 * @param now ms since the epoch
 * @throws UsageError if there is no such relay; a DnsOverridesError if it cannot be done
 */
export async function changeHold(
  request: HoldRequest,
  folder: string,
  known: readonly string[],
  now: () => number,
): Promise<HoldResult> {
  const name = findName(request, known)
  const { verb, durationMs, reason } = request
  const start = now()
  const hold = {
    name,
    ...(durationMs === undefined ? {} : { until: start + durationMs }),
    ...(reason === undefined ? {} : { reason }),
  }
  try {
    const options = { folder, now }
    const report = await (verb === 'hold' ? holdRelay(hold, options) : resumeRelay(name, options))
    return describeResult(name, request, report, start)
  } catch (error) {
    const noServer = error instanceof NoServerError
    const why = noServer
      ? `no running Haraka uses ${folder}, so a hold would have no effect (is --config or HARAKA right?)`
      : whyNoAccess(folder, error)
    const details = { code: 'ESTATE', temporary: noServer, cause: error }
    throw new DnsOverridesError(`cannot ${verb} @${name}: ${why}`, details)
  }
}
