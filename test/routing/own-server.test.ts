import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { listenEndpoints, parseListenEndpoints } from '../../lib/haraka-files/smtp-ini'
import { loadConfiguration } from '../../lib/routing/configuration'
import { localAddresses, ownEndpointTest } from '../../lib/routing/own-server'
import { NO_SECRETS } from '../support/rules'

const ADDRESSES = ['127.0.0.1', '::1', '192.0.2.7', '2001:db8::7']

describe('an endpoint that is this server itself', () => {
  const rows: (readonly [listen: string, host: string, port: number, own: boolean])[] = [
    ['', '127.0.0.1', 25, true],
    ['', '127.0.0.9', 25, true],
    ['', '::1', 25, true],
    ['', 'localhost', 25, true],
    ['', '192.0.2.7', 25, true],
    ['', '2001:db8:0::7', 25, true],
    ['', '::ffff:127.0.0.1', 25, true],
    ['', '::ffff:c000:207', 25, true],
    ['', '::ffff:c000:208', 25, false],
    ['', '192.0.2.8', 25, false],
    ['', '127.0.0.1', 2525, false],
    ['', 'mail.example.net', 25, false],
    ['[::0]:587', '192.0.2.7', 587, true],
    ['[::0]:587', '192.0.2.7', 25, false],
    ['0.0.0.0:25', '192.0.2.7', 25, true],
    ['0.0.0.0:25', '::1', 25, false],
    ['127.0.0.1:2529, 127.0.0.2:2530', '127.0.0.2', 2530, true],
    ['127.0.0.1:2529, 127.0.0.2:2530', '127.0.0.2', 2529, false],
    ['127.0.0.1:25', '192.0.2.7', 25, false],
    ['192.0.2.7', '192.0.2.7', 25, true],
    ['203.0.113.5:25', '203.0.113.5', 25, true],
  ]
  for (const [listen, host, port, own] of rows) {
    it(`listen=${listen}: ${host} port ${port} is ${own ? '' : 'not '}`, () => {
      const isOwn = ownEndpointTest({ listens: listenEndpoints({ listen }), addresses: ADDRESSES })
      assert.equal(isOwn({ host, port }), own)
    })
  }

  it('knows the addresses of this machine', () => assert.ok(localAddresses().includes('127.0.0.1')))
})

describe('the addresses where Haraka listens, from smtp.ini', () => {
  const rows: (readonly [text: string | undefined, endpoints: readonly (readonly [string, number])[]])[] = [
    [undefined, [['::0', 25]]],
    ['; listen=127.0.0.1:25\n', [['::0', 25]]],
    [
      'listen=127.0.0.1:2529 , [::1]:2530\n[headers]\nlisten=192.0.2.1:1',
      [
        ['127.0.0.1', 2529],
        ['::1', 2530],
      ],
    ],
    ['port=2525', [['::0', 2525]]],
    [
      'listen_host=192.0.2.7\nport=2525\nlisten=127.0.0.1:25',
      [
        ['127.0.0.1', 25],
        ['192.0.2.7', 2525],
      ],
    ],
  ]
  for (const [text, endpoints] of rows) {
    it(JSON.stringify(text ?? 'no file'), () => {
      const canonical = endpoints.map(([host, port]) => ({ host: host === '::0' ? '::' : host, port }))
      assert.deepEqual(parseListenEndpoints(text), canonical)
    })
  }
})

describe('a target that is this server itself is an error', () => {
  const ownServer = { listens: listenEndpoints({}), addresses: ADDRESSES }
  const load = (text: string) =>
    loadConfiguration(text, { file: 'f.ini', secrets: NO_SECRETS, ownServer }).diagnostics.map(
      ({ span, code, message }) => `${span.line}:${span.column}+${span.length} ${code} ${message}`,
    )
  const message = (endpoint: string) => `own-server ${endpoint} is this server itself: mail would loop`

  it('written inline', () => {
    assert.deepEqual(load('* mx.example.net\n* fred:letmein@127.0.0.1 $retries>3'), [
      `2:3+22 ${message('127.0.0.1:25')}`,
    ])
  })

  it('as a named relay', () => {
    assert.deepEqual(load('[relay:loop]\nhost = 2001:db8::7\n[relay:good]\nhost = 127.0.0.1\nport = 2525'), [
      `2:8+11 ${message('[2001:db8::7]:25')}`,
    ])
  })

  it('only if the listen addresses are known', () => {
    assert.deepEqual(loadConfiguration('* 127.0.0.1', { file: 'f.ini', secrets: NO_SECRETS }).diagnostics, [])
  })
})
