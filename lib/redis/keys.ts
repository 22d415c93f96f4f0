import { createHash } from 'node:crypto'

/** What all keys begin with. A change of what is kept under them takes another number. */
export const PREFIX = 'dns_overrides:v1:'

/** A name that says nothing: a relay's user may be somebody's address. 128 bits are enough to tell names apart. */
export const hashName = (name: string): string =>
  createHash('sha256').update(name).digest('base64url').slice(0, 22)

/** Is this what {@link hashName} makes? */
export const isField = (value: unknown): value is string =>
  typeof value === 'string' && /^[\w-]{22}$/.test(value)
