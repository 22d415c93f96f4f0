import cluster from 'node:cluster'
import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus } from 'node:os'
import { listenEndpoints, type ListenSettings } from '../haraka-files/smtp-ini'
import type { Endpoint } from '../model/endpoint'
import { type Workers, workerCount } from './sending-threads'
import type { HarakaPlugin } from '../haraka-objects/plugin'

/** Haraka's `server.js`, as far as it is used. A tool such as `haraka -o` has no `cfg`. */
interface HarakaServer {
  readonly cfg?: {
    readonly main?: ListenSettings & {
      readonly nodes?: unknown
      readonly user?: unknown
      readonly group?: unknown
    }
  }
}

/** The user that the server runs as after Haraka has given up root (`smtp.ini` `user`, `group`). */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * What this process is: `sender` has messages to deliver, `master` starts the senders, `tool` only loads plugins to look at them
 * (`haraka -o`).
 */
export interface ProcessRole {
  readonly kind: 'sender' | 'master' | 'tool'
  readonly workers: Workers
  /** It is one of several workers: Haraka starts another in its place. */
  readonly replaceable: boolean
  readonly owner: Owner | undefined
  /** Where the server takes mail (`smtp.ini` `listen`). */
  readonly listens: readonly Endpoint[]
}

function idOf(name: unknown, option: '-u' | '-g'): number | undefined {
  if (name === undefined || name === null || name === '') return undefined
  if (/^\d+$/.test(String(name))) return Number(name)
  try {
    // As Haraka itself does (outbound/queue.js ensure_queue_dir): Node cannot look a user up.
    return Number(
      execFileSync('id', [option, String(name)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    )
  } catch {
    return undefined
  }
}

function ownerOf(user: unknown, group: unknown): Owner | undefined {
  const uid = idOf(user, '-u')
  if (uid === undefined) return undefined
  return { uid, gid: idOf(group, '-g') ?? idOf(user, '-g') ?? uid }
}

/**
 * Looks at the server's own settings object: asking haraka-config for `smtp.ini` would take Haraka's reload callback away
 * (haraka-config 1.7 keeps one for each file).
 */
export function processRole(plugin: HarakaPlugin): ProcessRole {
  const { server } = plugin.haraka_require('plugins') as { server?: HarakaServer }
  const main = server?.cfg?.main
  if (main === undefined) {
    return { kind: 'tool', workers: { count: 1, id: 1 }, replaceable: false, owner: undefined, listens: [] }
  }
  // Haraka starts as many workers as there are CPUs (os.cpus()), which is empty on some systems.
  const count = workerCount(main.nodes, cpus().length || availableParallelism())
  const owner = ownerOf(main.user, main.group)
  const listens = listenEndpoints(main)
  if (cluster.isWorker) {
    const id = cluster.worker?.id ?? 1
    return { kind: 'sender', workers: { count, id }, replaceable: true, owner, listens }
  }
  const kind = main.nodes ? 'master' : 'sender'
  return { kind, workers: { count, id: 1 }, replaceable: false, owner, listens }
}
