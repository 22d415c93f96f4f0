import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import { toHarakaMx } from '../../lib/haraka/haraka-mx'
import { Secret } from '../../lib/model/secret'
import { loadHaraka } from '../support/haraka-modules'
import { mxExchange, relayExchange } from '../support/servers'

const haraka = loadHaraka()
after(() => haraka.close())

const relayFields = {
  host: 'relay.example',
  port: 587,
  credentials: { user: 'fred', password: new Secret('Passw0rd') },
  authType: 'cram-md5',
  bind: { v4: '192.0.2.9' },
  bindHelo: 'me.example',
  lmtp: true,
} as const

test('from_dns is the name of an exchange from DNS, and unset for a relay or a literal', () => {
  const { HarakaMx } = haraka
  assert.equal(toHarakaMx(HarakaMx, mxExchange('mx.example', 5), '192.0.2.1').from_dns, 'mx.example')
  assert.equal(toHarakaMx(HarakaMx, mxExchange('192.0.2.1', 5), '192.0.2.1').from_dns, undefined)
  for (const origin of [{ kind: 'line', line: 1 }, { kind: 'attempts' }] as const) {
    const mx = toHarakaMx(HarakaMx, relayExchange(relayFields, 5, origin), '192.0.2.1')
    assert.equal(mx.from_dns, undefined)
  }
})

test('all settings of a relay are passed to Haraka', () => {
  const mx = toHarakaMx(haraka.HarakaMx, relayExchange(relayFields, 5), '192.0.2.1')
  assert.ok(mx instanceof haraka.HarakaMx)
  const { port, priority, bind, bind_helo, using_lmtp, auth_user, auth_pass, auth_type } = mx
  assert.deepEqual(
    { port, priority, bind, bind_helo, using_lmtp, auth_user, auth_pass, auth_type },
    {
      port: 587,
      priority: 5,
      bind: '192.0.2.9',
      bind_helo: 'me.example',
      using_lmtp: true,
      auth_user: 'fred',
      auth_pass: 'Passw0rd',
      auth_type: 'CRAM-MD5',
    },
  )
})

test('the password does not appear in a copy, in JSON or when printed', () => {
  const mx = toHarakaMx(haraka.HarakaMx, relayExchange(relayFields, 5), '192.0.2.1')
  const shown = [
    JSON.stringify([mx]),
    JSON.stringify({ ...mx }),
    inspect(mx, { showHidden: true, depth: 9 }),
    String(mx),
    Object.values(mx).join(),
  ]
  for (const text of shown) assert.equal(text.includes('Passw0rd'), false, text)
})
