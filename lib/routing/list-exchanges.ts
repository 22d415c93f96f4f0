import type { Settings } from '../config/types'
import { DEFAULT_PRIORITY, type Exchange, exchangeOf } from '../model/exchange'

/** Every relay and all terms of direct mail of a configuration, as exchanges; those of terms without a host. */
export function listExchanges({ relays, direct, directTerms }: Settings): readonly Exchange[] {
  const ofTerms = [direct, ...directTerms].map(({ name, port, terms }): Exchange => {
    const origin = { kind: 'dns', ...(name === undefined ? {} : { name }) } as const
    return { endpoint: { host: '', port }, priority: DEFAULT_PRIORITY, origin, terms }
  })
  return [...relays.map((relay) => exchangeOf(relay, { kind: 'attempts' })), ...ofTerms]
}
