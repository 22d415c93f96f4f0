import { isOfRelay } from '../../relays/section'
import type { ServerStatus } from '../../relays/types'
import { readFactsFile } from '../../status/facts-file'
import type { Facts, WorkerFacts } from '../../status/facts'
import { readServerState, whyNoAccess } from '../../status/server-state'
import { describeSharing } from '../../status/sharing'
import { formatCount, formatTime, joinWords } from '../../status/wording'
import type { ConfigurationSource } from '../../files/configuration-source'
import { error, ok, warning, type Finding } from './finding'

/** Time until an edit must be in force: the file is read after it has not changed for a while, then the workers report. Milliseconds. */
const RELOAD_TAKES_MS = 20_000

/**
 * Does the running server have this file in force, and can its relays be used?
 *
 * @param folder the state folder
 * @param now ms since the epoch
 */
export function checkRunningServer(
  folder: string,
  source: ConfigurationSource,
  changedAt: number,
  now: number,
): Finding[] {
  try {
    const facts = readFactsFile(folder, now)
    if (facts === undefined) {
      return [
        warning(
          `no running Haraka uses ${folder}`,
          'Start Haraka. If it runs, it was started with another folder, or without this plugin: see its log.',
        ),
      ]
    }
    return [
      checkInForce(facts.workers, source, now - changedAt),
      ...checkSharing(facts),
      ...checkRelays(folder, now),
    ]
  } catch (cause) {
    return [
      warning(
        `the state of the running server is not known: ${whyNoAccess(folder, cause)}`,
        'Run doctor as root.',
      ),
    ]
  }
}

function checkInForce(
  workers: readonly WorkerFacts[],
  { digest }: ConfigurationSource,
  age: number,
): Finding {
  const others = workers.filter(({ inForce }) => inForce?.digest !== digest)
  const [first] = workers
  if (others.length === 0 && first?.inForce !== undefined) {
    return ok(
      `${formatCount(workers.length, 'worker')} of the running server ${workers.length === 1 ? 'has' : 'have'} this file in force, since ${formatTime(first.inForce.since)}`,
    )
  }
  const refused = others.find(({ reading }) => reading?.good === false)?.reading
  if (refused !== undefined) {
    return error(
      `the running server has not taken this file: at ${formatTime(refused.at)} it ${refused.reason}`,
      'Correct the file: npx dns-overrides check shows the mistakes. Until then the last good one stays in force.',
    )
  }
  if (age < RELOAD_TAKES_MS) {
    return warning(
      'the file was changed a moment ago, and is not in force yet',
      'Run doctor again in 20 seconds.',
    )
  }
  const pids = joinWords(others.map(({ pid }) => pid))
  return error(
    `an older file is in force in ${others.length === 1 ? 'worker' : 'workers'} ${pids}`,
    'Save the file again and look at the log; if nothing is said there, restart Haraka.',
  )
}

/** Does Redis answer, if it is used? */
function checkSharing(facts: Facts): Finding[] {
  const text = describeSharing(facts)
  if (text === undefined) return []
  if (facts.redisUp === true) return [ok(text)]
  return [
    warning(
      text,
      'Start Redis, or correct [redis] and redis.ini. The log says why: look for "Redis is gone".',
    ),
  ]
}

/** A relay by its name in the file and its address; the server of an override line by its address. */
const titleOf = ({ key, name }: ServerStatus): string => (name === undefined ? key : `${name} (${key})`)

const HELD_ADVICE =
  'When they may take mail again: npx dns-overrides relays --resume NAME. Without an option it shows since when and why they are held.'

/** Relays that are held or left out now. */
function checkRelays(folder: string, now: number): Finding[] {
  const state = readServerState(folder, now)
  if (state.kind !== 'running') return []
  const held = [...state.holds.keys()]
  const failing = new Set(
    state.servers.filter((report) => isOfRelay(report) && report.breaker === 'open').map(titleOf),
  )
  return [
    ...(held.length === 0 ? [] : [warning(`held by hand: ${joinWords(held)}`, HELD_ADVICE)]),
    ...(failing.size === 0
      ? []
      : [
          warning(
            `left out after failures: ${joinWords([...failing])}`,
            'Run npx dns-overrides probe: it shows how far a connection gets. They are tried again by themselves.',
          ),
        ]),
    ...(held.length + failing.size === 0 ? [ok('no relay is held or left out')] : []),
  ]
}
