import type { Message } from '../model/message'
import type { Exchange } from '../model/exchange'
import type { AttemptsEntry } from '../config/types'

/** What a message of a domain with an `[attempts]` entry does on its next attempt. */
export type AttemptsPlan =
  | { readonly kind: 'direct' }
  | {
      readonly kind: 'relay'
      readonly relay: Exchange
      /** The other valid relays in rotation order, in case the chosen one fails. */
      readonly fallbackRelays: readonly Exchange[]
    }
  | { readonly kind: 'exhausted' }

/**
 * QK SMTP Server's order: `direct` attempts, then `relay` attempts, then no more. Relay attempt k (from 0) begins with relay
 * (rotationOffset + k) mod n in file order and goes on to the next that is valid. If no relay is valid, that relay stays: a
 * breaker alone never keeps mail waiting.
 *
 * @param message `rotationOffset` makes messages begin with different relays
 * @param isUsable is this relay valid (not held, breaker closed)?
 */
export function planAttempts(
  entry: Pick<AttemptsEntry, 'direct' | 'relay'>,
  relays: readonly Exchange[],
  message: Pick<Message, 'retries' | 'rotationOffset'>,
  isUsable: (relay: Exchange) => boolean = () => true,
): AttemptsPlan {
  const { retries, rotationOffset } = message
  if (retries < entry.direct) return { kind: 'direct' }
  const attempt = retries - entry.direct
  if (attempt >= entry.relay || relays.length === 0) return { kind: 'exhausted' }
  const first = (rotationOffset + attempt) % relays.length
  const round = [...relays.slice(first), ...relays.slice(0, first)]
  const valid = round.filter(isUsable)
  const [relay, ...fallbackRelays] = valid.length > 0 ? valid : round
  return relay === undefined ? { kind: 'exhausted' } : { kind: 'relay', relay, fallbackRelays }
}
