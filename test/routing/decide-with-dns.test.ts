import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decideWithDns } from '../../lib/routing/decide-with-dns'
import { decide, explain } from '../../lib/rules/decide'
import { configure, hosts, messageOf, mxAnswer } from '../support/rules'

const MX = mxAnswer('5:mx.example.com')

/** A source that notes what it is asked. */
function source(remembered: boolean, mx = MX) {
  const asked: string[] = []
  const say = <A>(what: string, answer: A) => {
    asked.push(what)
    return remembered ? answer : Promise.resolve(answer)
  }
  const address = {
    kind: 'addresses',
    addresses: ['192.0.2.1'],
    how: 'fresh',
    server: 's',
    ttlSeconds: 1,
  } as const
  return {
    asked,
    mx: (domain: string) => say(`mx ${domain}`, mx),
    addresses: (domain: string) => say(`addresses ${domain}`, address),
  }
}

const question = (text: string) => ({ rules: configure(text).rules, message: messageOf() })

describe('a decision asks DNS only for what it depends on', () => {
  it('asks nothing if a line decides by the message alone', async () => {
    const dns = source(true)
    const decision = await decideWithDns(decide, question('* relay.example $retries=0'), dns)
    assert.deepEqual(hosts(decision), ['10 relay.example:25'])
    assert.deepEqual([dns.asked, decision.mx], [[], undefined])
  })

  it('makes no promise if the answer is cached', () => {
    const dns = source(true)
    const decision = decideWithDns(decide, question(''), dns)
    assert.ok(!(decision instanceof Promise))
    assert.deepEqual(hosts(decision), ['5 mx.example.com:25'])
    assert.deepEqual(dns.asked, ['mx example.com'])
    assert.equal(decision.mx, MX)
  })

  it('asks once for a condition and an exchange together', async () => {
    const dns = source(false)
    const decision = await decideWithDns(explain, question('* relay.example $dnsmx:mx.* $adddns'), dns)
    assert.deepEqual(hosts(decision), ['5 mx.example.com:25', '10 relay.example:25'])
    assert.deepEqual(dns.asked, ['mx example.com'])
  })

  for (const remembered of [true, false]) {
    it(`asks for the address of a domain whose MX is NXDOMAIN, ${remembered ? 'remembered' : 'or not'}`, async () => {
      const dns = source(remembered, mxAnswer('nxdomain'))
      const decision = await decideWithDns(decide, question('* $direct'), dns)
      assert.deepEqual(hosts(decision), ['0 example.com:25'])
      assert.deepEqual(dns.asked, ['mx example.com', 'addresses example.com'])
    })
  }

  it('accepts NXDOMAIN as final if addresses cannot be looked up', async () => {
    const decision = await decideWithDns(decide, question(''), { mx: () => mxAnswer('nxdomain') })
    assert.equal(decision.noRoute?.kind, 'nxdomain')
  })
})

describe('the rules without DNS', () => {
  for (const [text, wants] of [
    ['* relay.example', false],
    ['* relay.example $dnsmx:* $retries=1\n* other.example', false],
    ['* relay.example $end\n* other.example $dnsmx:*', false],
    ['* relay.example $dnsmx:* $retries=0', true],
    ['* relay.example $adddns', true],
    ['* $direct', true],
    ['', true],
  ] as const) {
    it(`${JSON.stringify(text)} ${wants ? 'hangs' : 'does not hang'} on the MX answer`, () => {
      const { rules, message } = question(text)
      assert.equal(decide(rules, message, {}) === 'mx', wants)
      assert.equal(explain(rules, message, {}) === 'mx', wants)
    })
  }

  it('never ask DNS for a domain literal', () => {
    const { rules } = question('* relay.example $dnsmx:*')
    const decision = decide(rules, messageOf({ domain: '[192.0.2.1]' }), {})
    assert.ok(typeof decision === 'object')
    assert.deepEqual(hosts(decision), ['0 192.0.2.1:25'])
  })

  it('give the same exchange of a line each time', () => {
    const { rules, message } = question('* relay.example')
    const decision = decide(rules, message, {})
    assert.ok(typeof decision === 'object')
    assert.equal(decision.exchanges[0], rules.lines[0]?.exchange)
  })
})
