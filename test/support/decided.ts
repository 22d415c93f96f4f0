import assert from 'node:assert/strict'
import type { Configuration } from '../../lib/routing/configuration'
import type { Decision } from '../../lib/model/decision'
import { decide } from '../../lib/rules/decide'
import type { Decided } from '../../lib/status/decision-ring'
import type { WorkerView } from '../../lib/status/recorder'
import { messageOf } from './rules'

/** What the rules decide of a message to a domain, as a recorder hears of it. */
export function decidedBy({ rules }: Configuration, domain: string, rest: Partial<Decided> = {}): Decided {
  const message = messageOf({ domain, mailFrom: 'a@here.example', rcptTo: [`b@${domain}`] })
  const decision = decide(rules, message, {})
  assert.ok(typeof decision !== 'string', 'nothing is to be looked up')
  return {
    message,
    decision: decision satisfies Decision,
    located: located(decision),
    action: 'try',
    ...rest,
  }
}

const located = ({ exchanges }: Decision): Decided['located'] =>
  exchanges.map((exchange) => ({
    exchange,
    answer: { kind: 'addresses', addresses: ['192.0.2.1'], how: 'fresh', server: 'literal', ttlSeconds: 0 },
  }))

/** A worker in which nothing happens. */
export const IDLE_VIEW: WorkerView = { queue: { threads: 10, running: 0, ready: 0, deferred: 0 } }
