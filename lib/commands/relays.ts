import { join } from 'node:path'
import { nearest } from '../source/suggest'
import type { Configuration } from '../routing/configuration'
import { DnsOverridesError, UsageError } from '../model/errors'
import { relayKey } from '../model/exchange'
import { holdRelay, resumeRelay } from '../relays/hold-by-hand'
import { type Hold, readHolds } from '../relays/holds'
import { type ProcessSnapshot, readSnapshots } from '../relays/snapshot'
import { STATE_FOLDER } from '../relays/state-folder'
import type { ServerStatus } from '../relays/types'
import { requireConfiguration } from './shared/configuration-file'
import { findConfiguration } from './shared/location'
import { paint, type Paint } from './shared/paint'
import type { Arguments } from './shared/arguments'
import { EXIT } from './shared/exit-status'
import type { Terminal } from './shared/terminal'
import { formatCount } from './shared/wording'

/** One relay over all workers. */
interface RelayView {
  readonly key: string
  readonly name?: string
  readonly held: boolean
  /** The worst that a worker sees. */
  readonly breaker: ServerStatus['breaker']
  /** Workers that leave it out, and workers that know of it. */
  readonly openIn: number
  readonly workers: number
  readonly failures: number
  readonly lastFailure?: string
  /** The first retry of any worker, ms since the epoch. */
  readonly retryAt?: number
  readonly connections: number
  readonly sentLastHour: number
  readonly maxConnections?: number
  readonly maxPerHour?: number
}

const BREAKERS = ['closed', 'half-open', 'open'] as const

function merged(
  key: string,
  name: string | undefined,
  held: boolean,
  seen: readonly ServerStatus[],
): RelayView {
  const sum = (of: (one: ServerStatus) => number) => seen.reduce((total, one) => total + of(one), 0)
  const failing = seen.filter(({ breaker }) => breaker !== 'closed')
  const retries = failing.flatMap(({ retryAt }) => retryAt ?? [])
  const lastFailure = failing.find((one) => one.lastFailure !== undefined)?.lastFailure
  return {
    key,
    ...(name === undefined ? {} : { name }),
    held,
    breaker: BREAKERS[Math.max(0, ...seen.map(({ breaker }) => BREAKERS.indexOf(breaker)))] ?? 'closed',
    openIn: failing.length,
    workers: seen.length,
    failures: Math.max(0, ...seen.map(({ failures }) => failures)),
    ...(lastFailure === undefined ? {} : { lastFailure }),
    ...(retries.length === 0 ? {} : { retryAt: Math.min(...retries) }),
    connections: sum(({ connections }) => connections),
    sentLastHour: sum(({ sentLastHour }) => sentLastHour),
  }
}

/** The named relays in file order, then the inline targets that a worker knows of. */
function views(
  { settings }: Configuration,
  snapshots: readonly ProcessSnapshot[],
  holds: ReadonlyMap<string, Hold>,
): RelayView[] {
  const all = snapshots.flatMap(({ servers }) => servers)
  const limits = snapshots.flatMap(({ limits: counted = [] }) => counted)
  const named = settings.relays.map((relay) => {
    const { name } = relay
    const key = relayKey(relay)
    const { maxConnections, maxPerHour } = relay.terms
    const isLimited = maxConnections !== undefined || maxPerHour !== undefined
    // The one who counts also knows of workers that are gone.
    const total = isLimited ? limits.find((counted) => counted.key === name) : undefined
    return {
      ...merged(
        key,
        name,
        holds.has(name),
        all.filter((one) => one.key === key),
      ),
      ...(total === undefined ? {} : { connections: total.connections, sentLastHour: total.sentLastHour }),
      ...(maxConnections === undefined ? {} : { maxConnections }),
      ...(maxPerHour === undefined ? {} : { maxPerHour }),
    }
  })
  const keys = new Set(named.map(({ key }) => key))
  const others = [...new Set(all.map(({ key }) => key))].filter((key) => !keys.has(key)).sort()
  return [
    ...named,
    ...others.map((key) =>
      merged(
        key,
        undefined,
        false,
        all.filter((one) => one.key === key),
      ),
    ),
  ]
}

function stateText(view: RelayView, now: number, ink: Paint): string {
  if (view.held) return ink.warn('held by hand')
  const failed = `after ${formatCount(view.failures, 'failure')}${view.lastFailure === undefined ? '' : `: ${view.lastFailure}`}`
  const where = view.openIn === view.workers ? '' : ` in ${view.openIn} of ${view.workers} workers`
  switch (view.breaker) {
    case 'closed':
      return ink.good('in use')
    case 'half-open':
      return ink.warn(`to be tried by the next message${where}, ${failed}`)
    case 'open': {
      const seconds = Math.max(0, Math.ceil(((view.retryAt ?? now) - now) / 1000))
      return ink.bad(`left out for ${seconds} s${where}, ${failed}`)
    }
  }
}

const of = (limit: number | undefined) => (limit === undefined ? '' : ` of ${limit}`)

function text(view: RelayView, now: number, ink: Paint): string {
  const name = view.name === undefined ? '' : `@${view.name}  `
  return [
    `${ink.strong(`${name}${view.key}`)}  ${stateText(view, now, ink)}`,
    `    connections ${view.connections}${of(view.maxConnections)}, sent in the last hour ${view.sentLastHour}${of(view.maxPerHour)}`,
    '',
  ].join('\n')
}

/** The relay that a word means: as in the file, whatever its case, with or without `@`. */
function relayName(option: string, word: string, known: readonly string[]): string {
  const plain = word.replace(/^@/, '')
  const found =
    known.find((name) => name === plain) ?? known.find((name) => name.toLowerCase() === plain.toLowerCase())
  if (found !== undefined) return found
  const meant = nearest(plain, known)
  const hint = meant === undefined ? `there are ${known.join(', ') || 'none'}` : `did you mean ${meant}?`
  throw new UsageError(`relays: --${option} takes the name of a relay, not "${word}"; ${hint}`)
}

/** Does the work of `--hold` and `--resume`, and says so. */
async function setByHand(
  folder: string,
  word: string,
  held: boolean,
  { settings }: Configuration,
  terminal: Terminal,
): Promise<void> {
  const { now } = terminal
  const known = settings.relays.map(({ name }) => name)
  // A relay that is no longer in the file can still be resumed.
  const name = relayName(
    held ? 'hold' : 'resume',
    word,
    held ? known : [...known, ...readHolds(folder, now()).keys()],
  )
  try {
    const options = { folder, now }
    const { changed, missing } = await (held ? holdRelay({ name }, options) : resumeRelay(name, options))
    const what = held ? 'held: no mail goes to it until it is resumed' : 'resumed'
    const was = held ? 'was held already' : 'was not held'
    terminal.err(`@${name} ${changed ? what : was}\n`)
    if (missing.length > 0) terminal.err(`not yet reported by the workers ${missing.join(', ')}\n`)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new DnsOverridesError(`cannot ${held ? 'hold' : 'resume'} @${name}: ${why}`, {
      code: 'ESTATE',
      temporary: false,
      cause: error,
    })
  }
}

/** `dns-overrides relays`: what the workers of the running server know of relays; holds by hand. */
export async function runRelays(args: Arguments, terminal: Terminal): Promise<number> {
  const hold = args.value('hold')
  const resume = args.value('resume')
  if (hold !== undefined && resume !== undefined) throw new UsageError('relays: --hold or --resume, not both')
  const location = findConfiguration(args.value('config'), terminal)
  const configuration = requireConfiguration(location, terminal)
  const { file, harakaFolder } = location
  const folder = join(harakaFolder, STATE_FOLDER)
  if (hold !== undefined) await setByHand(folder, hold, true, configuration, terminal)
  if (resume !== undefined) await setByHand(folder, resume, false, configuration, terminal)

  const now = terminal.now()
  const snapshots = readSnapshots(folder, now)
  const workers = snapshots.filter(({ role }) => role === 'worker')
  const relays = views(configuration, snapshots, readHolds(folder, now))
  if (args.flag('json')) {
    terminal.out(`${JSON.stringify({ workers: workers.map(({ pid }) => pid), relays }, null, 2)}\n`)
    return EXIT.ok
  }
  const ink = paint(terminal.color.out)
  for (const view of relays) terminal.out(text(view, now, ink))
  if (relays.length === 0) terminal.out(`${file} names no relay\n`)
  if (workers.length === 0) terminal.err(`no server runs that writes to ${folder}\n`)
  return EXIT.ok
}
