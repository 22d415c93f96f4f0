import { DeliveryQueue } from '../../lib/haraka/delivery/delivery-queue'
import { AttemptRunner } from '../../lib/haraka/delivery/attempt-runner'
import type { PlannedExchange } from '../../lib/haraka/delivery/planned-exchange'
import type { OutboundItem } from '../../lib/haraka-objects/outbound'
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
export function quietAttempt(hmail: OutboundItem, candidates: readonly PlannedExchange[]): AttemptRunner {
  const quiet = () => {}
  const relays = localRelayState()
  const plan = { candidates, source: 'overrides', fallbackRelays: [], passedOver: [] } as const
  return new AttemptRunner(hmail, plan, {
    services: {
      relays,
      tokens: noTokens,
      now: Date.now,
      queue: new DeliveryQueue(relays, quiet),
      waits: { add: quiet },
    },
    log: SILENT_LOG,
    makeAftermath: quietAftermath,
    onTry: quiet,
    onWait: quiet,
    onEnd: quiet,
  })
}
