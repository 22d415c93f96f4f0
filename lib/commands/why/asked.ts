import { existsSync } from 'node:fs'
import { resolve, sep } from 'node:path'
import { UsageError } from '../../model/errors'
import { type Asked, askedRecipient, readAskedWord } from '../../status/find-stories'

/** The messages that the user asks for: in any of the common ways, or by the path of a queue file. */
export type AskedByUser = Asked | { readonly kind: 'file'; readonly path: string }

/** @throws UsageError if the arguments name no message */
export function readAsked(word: string | undefined, address: string | undefined, cwd: string): AskedByUser {
  if (word !== undefined && address !== undefined) throw new UsageError('why: ID or --to, not both')
  if (address !== undefined) {
    if (!/.@./.test(address))
      throw new UsageError(`why: --to takes the address of a recipient, not "${address}"`)
    return askedRecipient(address)
  }
  if (word === undefined) throw new UsageError('why: ID is missing, and there is no --to')
  const asked = readAskedWord(word)
  if (asked?.kind === 'id') return asked
  const path = resolve(cwd, word)
  if (word.includes(sep) || existsSync(path)) return { kind: 'file', path }
  if (asked !== undefined) return asked
  throw new UsageError(`why: "${word}" is neither an id as in the log nor a file of the queue`)
}
