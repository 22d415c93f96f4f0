import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Exchange } from '../../lib/model/exchange'
import { configure, decideBy, hosts } from '../support/rules'

const MX = '10:mx1.example.com,20:mx2.example.com'

describe('lines are read in order', () => {
  it('adds the target of every line that matches, and stops at $end', async () => {
    const text = '* r1.example.net\nexample.com r2.example.net $end\n* r3.example.net'
    const decision = await decideBy(text, {}, MX)
    assert.deepEqual(decision.matched, [1, 2])
    assert.deepEqual(hosts(decision), ['10 r1.example.net:25', '10 r2.example.net:25'])
    assert.equal(decision.asked, 0)
  })

  it('does not stop at the $end of a line that does not match', async () => {
    const { matched } = await decideBy('* r1.example.net $retries=1 $end\n* r2.example.net')
    assert.deepEqual(matched, [2])
  })

  it('lists every line up to the $end that stopped, if a trace is requested', async () => {
    const text = [
      'other.example r0.example.net',
      '* r1.example.net $retries=1',
      '',
      '*.com r2.example.net $end',
      '* r3.example.net',
    ]
    const { lines, allLines } = await decideBy(text.join('\n'), {}, MX)
    assert.deepEqual(allLines, [
      { line: 1, matched: false, reason: 'domain "example.com" does not match other.example' },
      { line: 2, matched: false, reason: '$retries=1 is false: retries is 0' },
      { line: 4, matched: true },
    ])
    assert.deepEqual(lines, allLines.slice(1), 'without those for other domains')
  })

  it('lists the lines of other domains to the end if nothing stops', async () => {
    const { lines, allLines } = await decideBy('a.example r\nb.example r', {}, MX)
    assert.deepEqual(lines, [])
    assert.deepEqual(
      allLines.map(({ line, matched }) => [line, matched]),
      [
        [1, false],
        [2, false],
      ],
    )
  })

  it('reads a pasted list before [overrides]', async () => {
    const { matched } = await decideBy('* r1\n[dns]\ntries = 2\n[overrides]\n* r2')
    assert.deepEqual(matched, [1, 5])
  })
})

describe('priorities', () => {
  it('sorts by priority, then by line, with 10 as the default', async () => {
    const text = '* a $priority:20\n* b\n* c $priority:0\n* d\n* e $priority:65535'
    assert.deepEqual(hosts(await decideBy(text)), ['0 c:25', '10 b:25', '10 d:25', '20 a:25', '65535 e:25'])
  })

  it('uses the lowest priority of duplicates', async () => {
    const decision = await decideBy('* a $priority:20\n* A. $priority:5\n* b\n* a:587\n* u:p@a')
    assert.deepEqual(hosts(decision), ['5 a:25', '10 b:25', '10 a:587', '10 a:25'])
    assert.deepEqual(decision.exchanges[0]?.origin, { kind: 'line', line: 2 })
    assert.equal(decision.exchanges[3]?.relay?.credentials?.user, 'u')
  })

  it('treats the same host and port with another user as another exchange', async () => {
    const decision = await decideBy('* u:p@a\n* v:p@a\n* u:q@a')
    assert.deepEqual(
      decision.exchanges.map(({ relay }) => relay?.credentials?.user),
      ['u', 'v'],
    )
  })
})

describe('$adddns', () => {
  it('adds the exchanges from DNS at their own priorities', async () => {
    const decision = await decideBy('* r $adddns $priority:15', {}, MX)
    assert.deepEqual(hosts(decision), ['10 mx1.example.com:25', '15 r:25', '20 mx2.example.com:25'])
    assert.deepEqual(
      decision.exchanges.map(({ origin }) => origin.kind),
      ['dns', 'line', 'dns'],
    )
    assert.equal(decision.source, 'overrides')
    assert.equal(decision.asked, 1)
  })

  it('adds an exchange that a line also names only once', async () => {
    assert.deepEqual(hosts(await decideBy('* mx2.example.com $adddns', {}, MX)), [
      '10 mx2.example.com:25',
      '10 mx1.example.com:25',
    ])
  })

  it('adds the domain itself if it has no MX', async () => {
    assert.deepEqual(hosts(await decideBy('* r $adddns')), ['0 example.com:25', '10 r:25'])
  })

  for (const mx of ['nxdomain', '0:.', 'fail']) {
    it(`uses only the overrides for ${mx}`, async () => {
      const decision = await decideBy('* r $adddns', {}, mx)
      assert.equal(decision.outcome, 'deliver')
      assert.deepEqual(hosts(decision), ['10 r:25'])
    })
  }
})

describe('$direct', () => {
  it('excludes a domain from a later line', async () => {
    const decision = await decideBy('example.com $direct $end\n* r', {}, MX)
    assert.deepEqual(decision.matched, [1])
    assert.equal(decision.source, 'overrides')
    assert.deepEqual(hosts(decision), ['10 mx1.example.com:25', '20 mx2.example.com:25'])
    assert.ok(decision.exchanges.every(({ origin }) => origin.kind === 'dns'))
  })

  it('works as $adddns beside other targets', async () => {
    assert.deepEqual(hosts(await decideBy('* $direct\n* r', {}, '5:m.example')), [
      '5 m.example:25',
      '10 r:25',
    ])
    assert.deepEqual(hosts(await decideBy('* $direct\n* r', {}, 'nxdomain')), ['10 r:25'])
  })

  for (const [mx, outcome, kind] of [
    ['nxdomain', 'bounce', 'nxdomain'],
    ['0:.', 'bounce', 'nullmx'],
    ['fail', 'defer', 'dns-failure'],
  ] as const) {
    it(`alone works as plain DNS: ${mx}`, async () => {
      const decision = await decideBy('* $direct', {}, mx)
      assert.deepEqual(
        [decision.outcome, decision.source, decision.noRoute?.kind],
        [outcome, 'overrides', kind],
      )
    })
  }
})

describe('no line matches', () => {
  for (const [mx, outcome, kind, exchanges] of [
    [MX, 'deliver', undefined, ['10 mx1.example.com:25', '20 mx2.example.com:25']],
    ['none', 'deliver', undefined, ['0 example.com:25']],
    ['nxdomain', 'bounce', 'nxdomain', []],
    ['0:.', 'bounce', 'nullmx', []],
    ['fail', 'defer', 'dns-failure', []],
  ] as const) {
    it(`uses DNS: ${mx}`, async () => {
      const decision = await decideBy('other.example r', {}, mx)
      assert.equal(decision.source, 'dns')
      assert.equal(decision.outcome, outcome)
      assert.equal(decision.noRoute?.kind, kind)
      assert.deepEqual(hosts(decision), exchanges)
      assert.equal(decision.asked, 1)
    })
  }
})

describe('domain literals', () => {
  for (const [domain, expected] of [
    ['[192.0.2.1]', '0 192.0.2.1:25'],
    ['[IPv6:2001:DB8::1]', '0 [2001:db8::1]:25'],
  ] as const) {
    it(`${domain} is its own exchange, without DNS`, async () => {
      const decision = await decideBy('', { domain }, MX)
      assert.deepEqual(hosts(decision), [expected])
      assert.equal(decision.asked, 0)
    })
  }

  it('bounces a literal without an address', async () => {
    const decision = await decideBy('', { domain: '[tag:x]' })
    assert.deepEqual([decision.outcome, decision.noRoute?.kind], ['bounce', 'nodata'])
  })

  it('is matched as written, ignoring case', async () => {
    const text = '[192.0.2.1] a\n[ipv6:2001:db8::1] b\n* c'
    assert.deepEqual((await decideBy(text, { domain: '[192.0.2.1]' })).matched, [1, 3])
    assert.deepEqual((await decideBy(text, { domain: '[IPv6:2001:DB8::1]' })).matched, [2, 3])
    assert.deepEqual((await decideBy(text, { domain: '[IPv6:2001:DB8:0::1]' })).matched, [3])
  })

  it('has no MX', async () => {
    const decision = await decideBy('* r $dnsmx:!*', { domain: '[192.0.2.1]' }, MX)
    assert.deepEqual([decision.matched, decision.asked], [[1], 0])
  })
})

describe('DNS is asked once, and only if the decision depends on it', () => {
  for (const [name, text, asked] of [
    ['no line needs it', '* r', 0],
    ['a line before stops', '* r $end\n* q $dnsmx:*', 0],
    ['another condition of the line failed', '* r $dnsmx:* $size>1M\n* q', 0],
    ['the line is about another domain', 'other.example r $dnsmx:*\n* q', 0],
    ['two lines, a condition of each, and $adddns', '* r $dnsmx:a $dnsmxall:b\n* q $dnsmx:!c $adddns', 1],
  ] as const) {
    it(name, async () => assert.equal((await decideBy(text, {}, MX)).asked, asked))
  }

  it('defers if a lookup failed on which a line depends', async () => {
    const decision = await decideBy('* a\n* r $dnsmx:*.google.com $end\n* q', {}, 'fail')
    assert.equal(decision.outcome, 'defer')
    assert.deepEqual(decision.noRoute, {
      kind: 'dns-failure',
      message: '$dnsmx:*.google.com is undecided: the MX lookup failed (the lookup failed)',
    })
    assert.deepEqual(decision.exchanges, [])
  })

  it('delivers if the line would change nothing', async () => {
    const decision = await decideBy('* r\n* r $dnsmx:*\n* r $priority:20 $dnsmx:*', {}, 'fail')
    assert.deepEqual([decision.outcome, hosts(decision)], ['deliver', ['10 r:25']])
  })

  for (const last of [
    'r $dnsmx:* $end',
    'r $dnsmx:* $priority:5',
    'r $dnsmx:* $adddns',
    '$direct $dnsmx:*',
    'r:26 $dnsmx:*',
  ]) {
    it(`defers for ${last}`, async () => {
      assert.equal((await decideBy(`* r\n* ${last}\n* q`, {}, 'fail')).outcome, 'defer')
    })
  }
})

describe('[attempts]', () => {
  const relays = '[relay:a]\nhost = a\n[relay:b]\nhost = b\npriority = 5\n[relay:c]\nhost = c\n'
  const text = `${relays}[attempts]\nexample.com direct=2 relay=3\n* direct=0 relay=1`

  for (const [retries, rotationOffset, source, exchanges] of [
    [0, 0, 'attempts', ['10 mx1.example.com:25', '20 mx2.example.com:25']],
    [1, 0, 'attempts', ['10 mx1.example.com:25', '20 mx2.example.com:25']],
    [2, 0, 'attempts', ['10 a:25']],
    [3, 0, 'attempts', ['5 b:25']],
    [4, 0, 'attempts', ['10 c:25']],
    [2, 4, 'attempts', ['5 b:25']],
  ] as const) {
    it(`attempt ${retries} with rotation offset ${rotationOffset}`, async () => {
      const decision = await decideBy(text, { retries, rotationOffset }, MX)
      assert.deepEqual([decision.source, decision.outcome, hosts(decision)], [source, 'deliver', exchanges])
      assert.equal(decision.asked, retries < 2 ? 1 : 0)
    })
  }

  it('bounces after all attempts', async () => {
    const decision = await decideBy(text, { retries: 5 })
    assert.equal(decision.outcome, 'bounce')
    assert.deepEqual(decision.noRoute, {
      kind: 'attempts-exhausted',
      message: 'all attempts of [attempts] are made: direct=2 relay=3',
    })
  })

  it('skips a relay that is not valid, and names the others as fallbacks', async () => {
    const isUsable = ({ endpoint }: Exchange) => endpoint.host !== 'a'
    const decision = await decideBy(text, { retries: 2 }, MX, { isUsable })
    assert.deepEqual(hosts(decision), ['5 b:25'])
    assert.deepEqual(
      decision.fallbackRelays?.map(({ endpoint }) => endpoint.host),
      ['c'],
    )
  })

  it('applies to messages that no override line matched', async () => {
    const decision = await decideBy(`* r $retries=0\n${text}`, {}, MX)
    assert.equal(decision.source, 'overrides')
  })

  it('uses the first entry that matches, or else DNS', async () => {
    assert.deepEqual(hosts(await decideBy(text, { domain: 'other.example' })), ['10 a:25'])
    const { source } = await decideBy(`${relays}[attempts]\n*.example direct=0 relay=1`, {}, MX)
    assert.equal(source, 'dns')
  })
})

it('a rule set is immutable', () => {
  const { rules, ...rest } = configure('* r')
  assert.ok(Object.isFrozen(rules) && Object.isFrozen(rules.lines) && Object.isFrozen(rules.relays))
  assert.equal(rest.file, 'f.ini')
})

describe('matched lines with a condition on $reply', () => {
  const text = '* a.example $reply~=*blocked*\n* b.example $reply<>\n* c.example'

  it('are listed in the decision', async () => {
    const { matched, onRefusal } = await decideBy(text, { reply: '550 5.7.1 blocked' })
    assert.deepEqual(matched, [1, 2, 3])
    assert.deepEqual(onRefusal?.replyLines, [
      { line: 1, text: '* a.example $reply~=*blocked*' },
      { line: 2, text: '* b.example $reply<>' },
    ])
  })

  it('set the wait: the first $again counts, also of lines with $failed', async () => {
    const lines = '* a.example $failed=rcpt $again:5m\n* b.example $reply<> $again:1h\n* c.example'
    const { onRefusal } = await decideBy(lines, { reply: '451 4.7.1 later', failed: 'rcpt' })
    assert.deepEqual(onRefusal, {
      replyLines: [{ line: 2, text: '* b.example $reply<> $again:1h' }],
      againMs: 300_000,
    })
  })

  it('are absent if none matched', async () => {
    assert.equal((await decideBy(text)).onRefusal, undefined)
  })
})
