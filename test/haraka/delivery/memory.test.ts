import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test, type TestContext } from 'node:test'
import { DeliveryHooks } from '../../../lib/haraka/delivery/hooks'
import type { HarakaSocket } from '../../../lib/haraka-objects/socket'
import { patch } from '../../../lib/haraka-objects/patch'
import { RETVAL } from '../../../lib/haraka-objects/plugin'
import type { Exchange } from '../../../lib/model/exchange'

import { garbageCollector } from '../../bench/support'
import { quietAttempt } from '../../support/quiet-attempt'
import { loadHaraka, type HarakaModules } from '../../support/haraka-modules'
import { mxExchange, relayExchange } from '../../support/servers'
import { startScripted, type ScriptedOptions } from '../../support/smtp-scripted'

// What outlives its connection keeps each message in memory: timers, listeners, maps. Haraka's own modules and real connections.

let haraka: HarakaModules

before(() => {
  haraka = loadHaraka()
})
after(() => haraka.close())

const collect = garbageCollector()

/** Attempts of each kind. */
const TIMES = 5
/** Collections until something that is still there counts as kept. Each lets the event loop run. */
const COLLECTIONS = 200

const says = (verb: string, text: string): ScriptedOptions => ({
  script: (said) => (said === verb ? text : undefined),
})
const relay = (port: number) => relayExchange({ host: '127.0.0.1', port })
const direct = (port: number) => mxExchange('mx.example', 10, port)

const CASES: readonly (readonly [string, ScriptedOptions, (port: number) => Exchange])[] = [
  ['direct', {}, direct],
  ['by a relay', {}, relay],
  ['by a relay over STARTTLS', { capabilities: ['STARTTLS'] }, relay],
  [
    'by a relay over TLS from the first byte',
    { implicitTls: true },
    (port) => relayExchange({ host: 'localhost', port, implicitTls: true }),
  ],
  ['refused', says('RCPT', '550 no'), direct],
  ['refused at the greeting', says('CONNECT', '554 no'), relay],
  ['whose handshake breaks', { capabilities: ['STARTTLS'], breaksHandshake: true }, direct],
  ['broken in the middle', says('DATA', 'close'), relay],
]

/** One attempt; what must be gone after it. */
async function attempt(port: number, exchange: Exchange): Promise<WeakRef<object>[]> {
  const address = { original: '<a@d.example>', original_host: 'd.example', host: 'd.example', user: 'a' }
  const todo = {
    queue_time: Date.now(),
    domain: 'd.example',
    rcpt_to: [address],
    mail_from: address,
    notes: {},
  }
  const hmail = await haraka.queued(todo, 'Subject: test\r\n\r\nHello\r\n')
  const { obtls } = hmail as unknown as { obtls: { load_config(): void; cfg: Record<string, unknown> } }
  obtls.load_config()
  obtls.cfg.ca = readFileSync('test/fixtures/tls/ca.pem')
  const kept: WeakRef<object>[] = []
  const ended = new Promise<void>((resolve) => {
    hmail.next_cb = resolve
    const end = () => hmail.next_cb()
    for (const name of ['bounce', 'temp_fail', 'delivered'] as const) {
      Object.defineProperty(hmail, name, { configurable: true, writable: true, value: end })
    }
  })
  const mx = new haraka.HarakaMx({ exchange: '127.0.0.1', port, priority: 1 })
  const delivery = quietAttempt(hmail, [{ mx, exchange, address: '127.0.0.1' }])
  new DeliveryHooks().install(hmail, delivery)
  patch(hmail, 'try_deliver_host_on_socket', (inner) => (answer, host, to, socket: HarakaSocket) => {
    kept.push(new WeakRef(socket), new WeakRef(socket.targetsocket))
    return inner.call(hmail, answer, host, to, socket)
  })
  kept.push(new WeakRef(hmail), new WeakRef(delivery))
  await hmail.get_mx_respond(RETVAL.ok, [mx])
  await ended
  assert.ok(kept.length > 2)
  return kept
}

async function server(t: TestContext, options: ScriptedOptions): Promise<number> {
  const scripted = await startScripted(options)
  t.after(() => scripted.close())
  return scripted.port
}

for (const [what, options, exchangeTo] of CASES) {
  test(`a message ${what} leaves nothing in memory when its connections are closed`, async (t) => {
    const port = await server(t, options)
    const kept: WeakRef<object>[] = []
    for (let i = 0; i < TIMES; i++) kept.push(...(await attempt(port, exchangeTo(port))))
    const left = () => kept.filter((each) => each.deref() !== undefined).length
    for (let i = 0; i < COLLECTIONS && left() > 0; i++) {
      await new Promise((done) => setImmediate(done))
      collect()
    }
    assert.equal(left(), 0, `${left()} of ${kept.length} are still there`)
  })
}
