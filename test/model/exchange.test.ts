import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exchangeKey, exchangeLabel, exchangeOf, parsePriority } from '../../lib/model/exchange'
import { Secret } from '../../lib/model/secret'
import { mxExchange, relayExchange, relayOf } from '../support/servers'

const credentials = { user: 'fred', password: new Secret('Passw0rd') }

test('the key of an exchange is host, port and user, without a secret', () => {
  assert.equal(exchangeKey(mxExchange('mx.example', 5)), 'mx.example:25')
  assert.equal(exchangeKey(relayExchange({ host: '::1', port: 587, credentials })), 'fred@[::1]:587')
})

test('the label of a named relay is its name, and of any other server its key', () => {
  assert.equal(exchangeLabel(relayExchange({ host: 'a.example', name: 'isp', credentials })), 'relay isp')
  assert.equal(exchangeLabel(relayExchange({ host: 'a.example' })), 'a.example:25')
})

test('an exchange shares the endpoint and terms of its relay', () => {
  const relay = relayOf({ host: 'a.example', priority: 7 })
  const exchange = exchangeOf(relay, { kind: 'attempts' })
  assert.equal(exchange.endpoint, relay.endpoint)
  assert.equal(exchange.terms, relay.terms)
  assert.equal(exchange.priority, 7)
})

test('a priority is a 16-bit number', () => {
  const texts = ['0', '65535', '65536', '-1', '', '1e3', '000010', '00010']
  assert.deepEqual(texts.map(parsePriority), [
    0,
    65_535,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    10,
  ])
})
