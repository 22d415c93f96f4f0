import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import type { Relay } from '../../lib/model/relay'
import { relayOf } from '../support/servers'
import { configure, decideBy, hosts } from '../support/rules'
import { passwordOf } from '../support/servers'

function inlineRelay(target: string): Relay | undefined {
  const line = configure(`* ${target}`).rules.lines[0]
  return line?.target.kind === 'inline' ? line.target.relay : undefined
}

describe('inline targets', () => {
  const rows: (readonly [string, { host: string; port: number; user?: string; password?: string }])[] = [
    ['smtp.example.net', { host: 'smtp.example.net', port: 25 }],
    ['SMTP.Example.NET.', { host: 'smtp.example.net', port: 25 }],
    ['localhost:2525', { host: 'localhost', port: 2525 }],
    ['192.0.2.1:587', { host: '192.0.2.1', port: 587 }],
    ['[2001:DB8:0::1]', { host: '2001:db8::1', port: 25 }],
    ['[2001:db8::1]:587', { host: '2001:db8::1', port: 587 }],
    ['müller.example', { host: 'xn--mller-kva.example', port: 25 }],
    ['fred:Passw0rd@h:1', { host: 'h', port: 1, user: 'fred', password: 'Passw0rd' }],
    ['fred:p@ss:w@rd@h', { host: 'h', port: 25, user: 'fred', password: 'p@ss:w@rd' }],
    ['fred@example.com:pw@h', { host: 'h', port: 25, user: 'fred@example.com', password: 'pw' }],
    ['fred::@[::1]:65535', { host: '::1', port: 65_535, user: 'fred', password: ':' }],
  ]
  for (const [target, { host, port, user, password }] of rows) {
    it(target, () => {
      const relay = inlineRelay(target)
      assert.ok(relay)
      const { credentials, ...rest } = relay
      assert.deepEqual(rest, relayOf({ host, port }))
      assert.equal(credentials?.user, user)
      assert.equal(passwordOf(credentials), password)
    })
  }

  it('smtps:// is TLS from the first byte, and requires TLS', () => {
    const relay = inlineRelay('smtps://fred:pw@smtp.example.net')
    assert.equal(relay?.endpoint.port, 465)
    assert.equal(relay?.implicitTls, true)
    assert.equal(relay?.terms.tls, 'required')
    assert.equal(relay?.credentials?.user, 'fred')
    assert.equal(inlineRelay('SMTPS://[::1]:1465')?.endpoint.port, 1465)
  })

  it('never shows its password', () => {
    const text = '* fred:Passw0rd@smtp.example.net $from~=*@example.com\n[relay:isp]\nhost = h\nuser = joe\n'
    const configuration = configure(
      `${text}password = Passw0rd\n[redis]\npassword = Passw0rd\nurl = redis://joe:Passw0rd@h`,
    )
    assert.equal(configuration.rules.lines[0]?.text, '* fred:********@smtp.example.net $from~=*@example.com')
    const shown = inspect(configuration, { depth: 20, showHidden: true })
    assert.match(shown, /smtp\.example\.net/)
    assert.equal(shown.includes('Passw0rd'), false)
    assert.equal(JSON.stringify(configuration).includes('Passw0rd'), false)
  })
})

describe('named relays', () => {
  const relays = '[relay:Isp]\nhost = smtp.example.net\nport = 587\npriority = 7\n[overrides]\n'

  it('are found by name in any case', async () => {
    assert.deepEqual(hosts(await decideBy(`${relays}* @ISP`)), ['7 smtp.example.net:587'])
  })

  it('have their own priority, which a line can replace', async () => {
    assert.deepEqual(hosts(await decideBy(`${relays}* @isp $priority:3`)), ['3 smtp.example.net:587'])
  })
})
