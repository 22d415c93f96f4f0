import { createHash } from 'node:crypto'
import { truncateSync } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { DAY_MS, HOUR_MS } from '../model/duration'
import { isAmount, readList, toFields } from '../model/foreign-json'
import type { Clock } from '../relays/clock'
import { overwriteFile, readSmallFile } from '../relays/private-file'
import { type HostSlice, NO_SLICE, WHOLE } from './host-share'
import { isField } from './keys'
import type { KnownHost } from './limits-reply'

/** What a host must still know after a restart, in case Redis is gone then. */
export interface RememberedHosts {
  readonly slice: HostSlice
  /** The other hosts. */
  readonly known: readonly KnownHost[]
  /** Messages that it might use of each limit when Redis was lost; empty while Redis is there. */
  readonly had: ReadonlyMap<string, number>
}

/** Stores them. Without a state folder nothing is stored, because the host has a new name after each start. */
export interface HostMemory {
  readonly isKept: boolean
  /** undefined: this host has never reached Redis, or long ago and without other hosts. */
  read(): RememberedHosts | undefined
  write(hosts: RememberedHosts): void
}

/** Its name in the state folder. */
const MEMORY_FILE = 'host-share'
const VERSION = 1
const LARGEST_BYTES = 16 * 1024 * 1024
const MOST_HOSTS = 1_000
/** The other hosts count this one for a day after its last call. */
const SLICE_MS = DAY_MS - HOUR_MS
/** A host may use what it had for an hour. */
const HAD_MS = HOUR_MS / 2

export const NO_MEMORY: HostMemory = { isKept: false, read: () => undefined, write: () => {} }

/** Tells a machine from its copy: their network cards differ. */
function machineName(): string {
  const cards = Object.values(networkInterfaces()).flatMap((each = []) => each.map(({ mac }) => mac))
  const real = [...new Set(cards)].filter((mac) => mac !== '00:00:00:00:00:00').sort()
  const name = real.length > 0 ? real.join() : hostname()
  return createHash('sha256').update(name).digest('base64url').slice(0, 22)
}

export interface HostMemoryOptions {
  /** The state folder. */
  readonly folder: string
  readonly clock: Clock
  /** Names this machine. */
  readonly machine?: string
}

/** Stores them in a file of the state folder. A file that cannot be written is emptied, because its content may be out of date. */
export function openHostMemory({ folder, clock, machine = machineName() }: HostMemoryOptions): HostMemory {
  return {
    isKept: true,
    read: () => {
      try {
        const text = readSmallFile(folder, MEMORY_FILE, LARGEST_BYTES)
        return text === undefined ? undefined : readMemory(JSON.parse(text), clock, machine)
      } catch {
        return { slice: NO_SLICE, known: [], had: new Map() }
      }
    },
    write: ({ slice, known, had }) => {
      const text = JSON.stringify({
        version: VERSION,
        boot: clock.boot ?? null,
        monotonic: clock.monotonic(),
        wall: clock.wall(),
        machine,
        ...slice,
        known,
        had: [...had],
      })
      try {
        overwriteFile(folder, MEMORY_FILE, `${text}\n`)
      } catch {
        forget(join(folder, MEMORY_FILE))
      }
    },
  }
}

function forget(path: string): void {
  try {
    truncateSync(path, 0)
  } catch {
    // The file does not exist.
  }
}

function readMemory(value: unknown, clock: Clock, machine: string): RememberedHosts | undefined {
  const fields = toFields(value)
  const { version, boot, monotonic, wall, begin, end, had } = fields
  const known = readList(fields.known, MOST_HOSTS, ({ id, isKept }) =>
    isField(id) ? { id, isKept: isKept !== false } : undefined,
  )
  const nothing: RememberedHosts = { slice: NO_SLICE, known, had: new Map() }
  if (version !== VERSION || fields.machine !== machine || !isAmount(monotonic) || !isAmount(wall))
    return nothing
  const isSameBoot = clock.boot !== undefined && clock.boot === boot
  const age = isSameBoot ? clock.monotonic() - monotonic : clock.wall() - wall
  // After the clock was set back the age is unknown.
  if (age < -1_000 || age > SLICE_MS) return known.length === 0 ? undefined : nothing
  const isSlice = isAmount(begin) && isAmount(end) && begin <= end && end <= WHOLE
  return {
    slice: isSlice ? { begin, end } : NO_SLICE,
    known,
    had: age > HAD_MS ? new Map() : readHad(had),
  }
}

function readHad(value: unknown): ReadonlyMap<string, number> {
  if (!Array.isArray(value)) return new Map()
  return new Map(
    value.flatMap((pair: unknown): [string, number][] => {
      if (!Array.isArray(pair)) return []
      const [key, amount] = pair as unknown[]
      return typeof key === 'string' && isAmount(amount) ? [[key, amount]] : []
    }),
  )
}
