import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addPassedOver } from '../../../lib/status/forecast/passed-over'
import type { Effect } from '../../../lib/status/effect'
import type { Endpoint } from '../../../lib/model/endpoint'
import type { Exchange } from '../../../lib/model/exchange'
import type { Located, Route } from '../../../lib/routing/route'
import { relayExchange } from '../../support/servers'

const isOwn = ({ host, port }: Endpoint) => host === '127.0.0.1' && port === 25
const locate = (exchange: Exchange, ...addresses: readonly string[]): Located => ({
  exchange,
  answer: { kind: 'addresses', addresses, ttl: 60 } as unknown as Located['answer'],
})
const routeOf = (...located: readonly Located[]): Route => ({ outcome: 'deliver', located })

const here = relayExchange({ host: 'here' })
const bound = relayExchange({ host: 'bound', bind: { v6: '2001:db8::7' } })
const good = relayExchange({ host: 'good' })

test('a server without a usable address is marked, and another is still tried', () => {
  const route = routeOf(locate(bound, '192.0.2.1'), locate(good, '192.0.2.2'))
  const effect = addPassedOver(undefined, route, isOwn)
  assert.deepEqual(
    [...effect!.notes],
    [[bound, 'is passed over: none of its addresses can be used with bind = 2001:db8::7']],
  )
  assert.equal(effect!.deferred, undefined)
})

test('one usable address is enough', () => {
  assert.equal(addPassedOver(undefined, routeOf(locate(bound, '192.0.2.1', '2001:db8::1')), isOwn), undefined)
  assert.equal(addPassedOver(undefined, routeOf(locate(here, '127.0.0.1', '192.0.2.1')), isOwn), undefined)
})

test('if no server is left the message is deferred with every reason, and holds are still reported', () => {
  const before: Effect = { notes: new Map([[good, 'held by hand']]) }
  const effect = addPassedOver(before, routeOf(locate(here, '127.0.0.1'), locate(bound, '192.0.2.1')), isOwn)
  assert.equal(
    effect!.deferred,
    '127.0.0.1:25 is this server itself; none of its addresses can be used with bind = 2001:db8::7',
  )
  assert.equal(effect!.notes.get(good), 'held by hand')
  assert.equal(effect!.notes.get(here), 'is passed over: 127.0.0.1:25 is this server itself')
})
