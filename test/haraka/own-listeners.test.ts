import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listenEndpoints } from '../../lib/haraka-files/smtp-ini'
import { OwnListeners } from '../../lib/haraka/own-listeners'

const LOCAL = ['127.0.0.1', '192.0.2.1', '2001:db8::1']

const endpoints = (listen: readonly string[]) =>
  listen.length === 0 ? [] : listenEndpoints({ listen: listen.join(',') })

for (const [listen, host, port, own] of [
  [['127.0.0.1:2525'], '127.0.0.1', 2525, true],
  [['127.0.0.1:2525'], '127.0.0.1', 25, false],
  [['127.0.0.1:2525'], '127.0.0.2', 2525, false],
  [['127.0.0.1:25', '192.0.2.1:587'], '192.0.2.1', 587, true],
  [['[::0]:25'], '127.0.0.1', 25, true],
  [['[::0]:25'], '127.9.9.9', 25, true],
  [['[::0]:25'], '::1', 25, true],
  [['[::0]:25'], '192.0.2.1', 25, true],
  [['[::0]:25'], '2001:DB8::1', 25, true],
  [['[::0]:25'], '192.0.2.2', 25, false],
  [['0.0.0.0:25'], '::ffff:192.0.2.1', 25, true],
  [['0.0.0.0:25'], '0.0.0.0', 25, true],
  [['[2001:db8::1]:25'], '2001:db8::1', 25, true],
  [['localhost:25'], '127.0.0.1', 25, true],
  [['localhost:25'], '192.0.2.1', 25, false],
  [[], '127.0.0.1', 25, false],
  [['/run/haraka.sock'], '127.0.0.1', 25, false],
] as const) {
  test(`listening at ${listen.join(', ') || 'nothing'}: ${host} port ${port} is ${own ? '' : 'not '}this server`, () => {
    const listeners = new OwnListeners({
      listens: endpoints(listen),
      localAddresses: () => LOCAL,
      now: () => 0,
    })
    assert.equal(listeners.includes({ host, port }), own)
  })
}

test('the addresses of the machine are read again after a while, and only if the port matches', () => {
  let now = 0
  let asked = 0
  const localAddresses = () => {
    asked++
    return LOCAL
  }
  const listeners = new OwnListeners({ listens: endpoints(['[::0]:25']), localAddresses, now: () => now })
  listeners.includes({ host: '192.0.2.9', port: 587 })
  assert.equal(asked, 0)
  for (const time of [0, 9_000, 11_000, 12_000]) {
    now = time
    listeners.includes({ host: '192.0.2.9', port: 25 })
  }
  assert.equal(asked, 2)
})
