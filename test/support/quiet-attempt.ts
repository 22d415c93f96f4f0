import { DeliveryQueue } from '../../lib/haraka/delivery/delivery-queue'
import type { AttemptContext } from '../../lib/haraka/delivery/attempt-runner'
import type { AftermathServices } from '../../lib/haraka/delivery/aftermath'
import { localRelayState } from './relay-state'
import { noTokens } from './servers'
import { SILENT_LOG } from './silent-log'

/** The end of an attempt by rules that say nothing of replies, of which nothing is remembered. */
export function quietAftermath(): AftermathServices {
  const quiet = () => {}
  return {
    judge: () => ({ rescuedBy: [], goesBy: '' }),
    keep: () => Promise.resolve(),
    lend: (_attempt, work) => work(),
    runHooks: quiet,
    log: { lognotice: quiet, logerror: quiet },
  }
}

/** One attempt by override lines, with relays of which nothing is known. */
export function quietAttempt(): AttemptContext {
  const quiet = () => {}
  const relays = localRelayState()
  return {
    relays,
    tokens: noTokens,
    now: Date.now,
    source: 'overrides',
    fallbackRelays: [],
    passedOver: [],
    queue: new DeliveryQueue(relays, quiet),
    waits: { add: quiet },
    log: SILENT_LOG,
    aftermath: quietAftermath,
    onEnd: quiet,
  }
}
