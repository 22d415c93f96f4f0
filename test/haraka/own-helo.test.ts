import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { OwnHelo } from '../../lib/haraka/own-helo'
import { type HarakaMxClass, toHarakaMx } from '../../lib/haraka/haraka-mx'
import { loadHaraka } from '../support/haraka-modules'
import { mxExchange, relayExchange } from '../support/servers'

const haraka = loadHaraka()
after(() => haraka.close())

test("the EHLO name is Haraka's own, and is read at most once a second", () => {
  let now = 1_000_000
  let asked = 0
  const counting = function (fields: object) {
    asked++
    return new haraka.HarakaMx(fields)
  }
  const Counting = counting as unknown as HarakaMxClass
  const helo = new OwnHelo(() => now)
  const expected = new haraka.HarakaMx({}).bind_helo
  assert.ok(expected)
  for (let call = 0; call < 3; call++) assert.equal(helo.get(Counting), expected)
  assert.equal(asked, 1)
  now += 1_001
  assert.equal(helo.get(Counting), expected)
  assert.equal(asked, 2)
  now -= 3_600_000
  helo.get(Counting)
  assert.equal(asked, 3, 'a clock that is set back does not keep the name for an hour')
})

test('the EHLO name of the terms takes precedence over that of the server', () => {
  const { HarakaMx } = haraka
  assert.equal(
    toHarakaMx(HarakaMx, mxExchange('mx.example', 5), '192.0.2.1', 'own.example').bind_helo,
    'own.example',
  )
  const relay = relayExchange({ host: 'relay.example', port: 587, bindHelo: 'terms.example' }, 5)
  assert.equal(toHarakaMx(HarakaMx, relay, '192.0.2.1', 'own.example').bind_helo, 'terms.example')
})
