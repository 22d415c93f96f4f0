import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { readSmallFile, overwriteFile } from '../relays/private-file'

/** The names of a host in Redis. None of them has a blank. */
export interface HostIdentity {
  /** The same after a restart, so that the host keeps what it held. */
  readonly id: string
  /** A new one for each process. */
  readonly instance: string
  /** For people: its name. */
  readonly about: string
}

/** Its name in the state folder. */
const HOST_FILE = 'host-id'

const ID = /^[\w-]{22}$/
const LARGEST_BYTES = 64
const LONGEST_NAME = 100

const randomId = () => randomBytes(16).toString('base64url')

/** A new identity that lasts for this process. */
export function createIdentity(id = randomId()): HostIdentity {
  const about = encodeURIComponent(hostname().slice(0, LONGEST_NAME))
  return { id, instance: randomId(), about }
}

/** The identity of the server with this state folder. If it cannot be stored, each start has a new one. */
export function readIdentity(folder: string | undefined): HostIdentity {
  if (folder === undefined) return createIdentity()
  try {
    const known = readSmallFile(folder, HOST_FILE, LARGEST_BYTES)?.trim()
    if (known !== undefined && ID.test(known)) return createIdentity(known)
  } catch {
    // Not a file that was written here.
  }
  return renewIdentity(folder)
}

/** Another identity for the server with this state folder, because somebody else has its old one. */
export function renewIdentity(folder: string | undefined): HostIdentity {
  const made = createIdentity()
  try {
    if (folder !== undefined) overwriteFile(folder, HOST_FILE, `${made.id}\n`)
  } catch {
    // Then the next start has a new one.
  }
  return made
}
