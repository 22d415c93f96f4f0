import { createHash } from 'node:crypto'

/** The beginning of all keys. A new format of the values gets a new number. */
export const PREFIX = 'dns_overrides:v1:'

/** A name that reveals nothing: a relay's user may be somebody's address. 128 bits are enough to keep names distinct. */
export const hashName = (name: string): string =>
  createHash('sha256').update(name).digest('base64url').slice(0, 22)

/** Is this what {@link hashName} makes? */
export const isField = (value: unknown): value is string =>
  typeof value === 'string' && /^[\w-]{22}$/.test(value)
