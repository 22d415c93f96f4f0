import cluster from 'node:cluster'
import { join } from 'node:path'
import { type Clock, systemClock } from '../relays/clock'
import { ChannelLimits, type LimitServer, serveLimits } from '../relays/limit-channel'
import { LocalLimits } from '../relays/local-limits'
import { openQuotaJournal } from '../relays/quota-journal'
import { LocalRelayState } from '../relays/state'
import { openStateFolder, prepareStateFolder, STATE_FOLDER, type StateFolder } from '../relays/state-folder'
import { LocalRotation } from '../relays/rotation'
import type { RelayState } from '../relays/types'
import type { RedisSharing } from '../redis/sharing'
import { createWarn, writeEntry } from './log-entry'
import type { ProcessRole } from './process'
import type { HarakaPlugin } from '../haraka-objects/plugin'

/** What a process knows of relays, and an end to it. */
export interface OpenRelayState {
  readonly relays: RelayState
  /** The state folder, if it could be opened. */
  readonly folder: string | undefined
  /** Writes what is not yet written. Deliveries that have begun still report how they end. */
  readonly close: () => void
}

/**
 * What this process knows of relays. Limits hold over the whole server: the master process counts for its workers, a server
 * without workers counts for itself.
 *
 * @param redis where all that is shared with other servers; undefined: it is not
 */
export function openRelayState(
  plugin: HarakaPlugin,
  role: ProcessRole,
  redis: RedisSharing | undefined,
): OpenRelayState {
  const clock = systemClock()
  const path = prepareFolder(plugin, role)
  const folder = path === undefined ? undefined : openFolder(plugin, path, clock)
  const journal =
    path === undefined || cluster.isWorker
      ? {}
      : {
          journal: openQuotaJournal({ folder: path, clock, warn: createWarn(plugin) }),
        }
  const lender = redis === undefined || cluster.isWorker ? {} : { lender: redis.shareLimits(path) }
  const counting = { monotonic: clock.monotonic, ...journal, ...lender }
  const holds =
    redis === undefined || path === undefined || cluster.isWorker ? undefined : redis.shareHolds(path)
  const server = role.kind === 'master' ? countForWorkers(counting, folder) : undefined
  // The master has no mail: what it knows of relays is never asked for.
  const local = cluster.isWorker ? undefined : new LocalLimits(server === undefined ? counting : clock)
  const rotation = new LocalRotation((role.workers.id - 1) % role.workers.count)
  const shared =
    redis === undefined || role.kind !== 'sender'
      ? undefined
      : { sharing: redis.shareBreakers(), rotation: redis.shareRotation(rotation) }
  const relays = new LocalRelayState({
    clock,
    log: {
      info: (text) => writeEntry(plugin, { level: 'info', text }),
      warn: createWarn(plugin),
    },
    limits: local ?? new ChannelLimits(process),
    rotation,
    ...shared,
    ...(local === undefined ? {} : { limitStatus: () => local.arbiter.status() }),
    ...(folder === undefined || server !== undefined ? {} : { folder }),
  })
  return {
    relays,
    folder: path,
    close: () => {
      holds?.close()
      shared?.sharing.close()
      shared?.rotation.close()
      relays.close()
      server?.close()
      if (server !== undefined) folder?.close()
    },
  }
}

function countForWorkers(
  counting: Omit<Parameters<typeof serveLimits>[1], 'onChange'>,
  folder: StateFolder | undefined,
): LimitServer {
  const server = serveLimits(cluster, { ...counting, onChange: () => folder?.noteChange() })
  folder?.publish(
    () => ({ role: 'master', servers: [], holds: [], limits: server.status() }),
    () => {},
  )
  return server
}

/** Makes the folder, if that is possible. */
function prepareFolder(plugin: HarakaPlugin, { kind, owner }: ProcessRole): string | undefined {
  const haraka = process.env.HARAKA
  if (kind === 'tool' || haraka === undefined) return undefined
  const path = join(haraka, STATE_FOLDER)
  try {
    prepareStateFolder(path, owner)
    return path
  } catch (error) {
    createWarn(plugin)(`relays cannot be shown or held by the command line: ${(error as Error).message}`)
    return undefined
  }
}

function openFolder(plugin: HarakaPlugin, path: string, { wall }: Clock): StateFolder {
  return openStateFolder({ path, now: wall, warn: createWarn(plugin) })
}
