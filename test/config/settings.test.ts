import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DEFAULT_DIRECT } from '../../lib/model/terms'
import { DNS_DEFAULTS } from '../../lib/dns/defaults'
import { diagnose } from '../support/rules'
import { settingsOf, errorOf } from '../support/settings'

describe('an empty file', () => {
  it('gives the defaults', () => {
    const settings = settingsOf('')
    assert.deepEqual(settings, {
      dnsServers: [],
      dnsCacheSize: 1000,
      dns: DNS_DEFAULTS,
      dnsZones: [],
      relays: [],
      direct: DEFAULT_DIRECT,
      directTerms: [],
      attempts: [],
      status: { allow: ['127.0.0.0/8', '::1/128'], proxies: [] },
      tests: { onReload: 'warn' },
    })
    assert.ok(settings.dns.deadlineMs < 30_000, 'below the time that Haraka gives a hook')
  })
})

describe('dns_servers', () => {
  const rows: (readonly [string, object[]])[] = [
    ['', []],
    ['192.0.2.1', [{ address: '192.0.2.1', port: 53, transport: 'udp' }]],
    ['192.0.2.1:5353', [{ address: '192.0.2.1', port: 5353, transport: 'udp' }]],
    ['[::1]', [{ address: '::1', port: 53, transport: 'udp' }]],
    ['2001:DB8::1', [{ address: '2001:db8::1', port: 53, transport: 'udp' }]],
    [
      '127.0.0.1,[::1]:5353',
      [
        { address: '127.0.0.1', port: 53, transport: 'udp' },
        { address: '::1', port: 5353, transport: 'udp' },
      ],
    ],
    ['tls://192.0.2.1', [{ address: '192.0.2.1', port: 853, transport: 'tls' }]],
    [
      'TLS://[2001:db8::1]:8853#DNS.example.net',
      [{ address: '2001:db8::1', port: 8853, transport: 'tls', tlsName: 'dns.example.net' }],
    ],
  ]
  for (const [text, servers] of rows) {
    it(JSON.stringify(text), () => assert.deepEqual(settingsOf(`dns_servers = ${text}`).dnsServers, servers))
  }

  for (const [text, column, expected] of [
    ['2001:db8::1:53', 15, '[2001:db8::1]:53 for port 53, or [2001:db8::1:53] for the address'],
    ['192.0.2.1, ::1:5353', 26, '[::1]:5353 for port 5353, or [::1:5353] for the address'],
    [
      'tls://2001:db8::1:853',
      15,
      'tls://[2001:db8::1]:853 for port 853, or tls://[2001:db8::1:853] for the address',
    ],
  ] as const) {
    it(`${text} may be an address with or without a port, and both are suggested with brackets`, () => {
      for (const section of ['', '[zone:corp.example]\n']) {
        const [found, ...more] = diagnose(`${section}dns_servers = ${text}`)
        assert.deepEqual(more, [])
        assert.equal(found?.message, 'an IPv6 address without brackets may end in a port')
        assert.deepEqual([found.span.column, found.expected], [column, expected])
      }
    })
  }

  it('an IPv6 address whose last group only looks like a port is an address', () => {
    for (const address of ['2001:db8::53', '2001:db8::1:54', '2001:db8:0:0:0:0:1:53', '[2001:db8::1:53]']) {
      assert.equal(settingsOf(`dns_servers = ${address}`).dnsServers.length, 1)
    }
  })

  it('points at every wrong server', () => {
    const found = diagnose('dns_servers = 1.2.3.4:99999, 192.0.2.1, foo, [::1')
    assert.deepEqual(
      found.map(({ span }) => span.column),
      [15, 41, 46],
    )
  })

  for (const [text, column] of [
    ['dns.example.net', 15],
    ['127.0.0.1, 192.0.2.256', 26],
    ['127.0.0.1,,::1', 25],
    ['127.0.0.1:0', 15],
    ['127.0.0.1:65536', 15],
    ['[127.0.0.1]', 15],
    ['tls://127.0.0.1#', 15],
    ['https://127.0.0.1', 15],
    ['127.0.0.1#name', 15],
  ] as const) {
    it(`refuses ${text}`, () => assert.match(errorOf(`dns_servers = ${text}`), new RegExp(`^1:${column} `)))
  }
})

describe('[dns]', () => {
  it('reads durations with units; a plain number is seconds', () => {
    const { dns } = settingsOf(
      '[dns]\norder = Fastest\ntimeout = 500ms\ntries = 2\ndeadline = 20\nmin_ttl = 5s\nmax_ttl = 1h\nmax_negative_ttl = 10m\n' +
        'failure_ttl = 2\nmax_failure_ttl = 1m\nserve_stale = 1d\nprefetch = 10%\nmax_in_flight = 20\nedns_size = 0',
    )
    assert.deepEqual(dns, {
      order: 'fastest',
      timeoutMs: 500,
      tries: 2,
      deadlineMs: 20_000,
      minTtlSeconds: 5,
      maxTtlSeconds: 3600,
      maxNegativeTtlSeconds: 600,
      failureTtlSeconds: 2,
      maxFailureTtlSeconds: 60,
      serveStaleSeconds: 86_400,
      prefetchPercent: 10,
      maxInFlight: 20,
      ednsSize: 0,
    })
  })

  for (const [line, message] of [
    ['deadline = 26s', 'bad value "26s" for deadline'],
    ['timeout = 0', 'bad value "0" for timeout'],
    ['timeout = 5 sec', 'bad value "5 sec" for timeout'],
    ['order = random', 'bad value "random" for order'],
    ['tries = 0', 'bad value "0" for tries'],
    ['tries =', 'no value for tries'],
    ['max_failure_ttl = 6m', 'bad value "6m" for max_failure_ttl'],
    ['prefetch = 91', 'bad value "91" for prefetch'],
    ['edns_size = 100', 'bad value "100" for edns_size'],
    ['timeout = 16s', 'timeout is above deadline'],
    ['deadline = 1s', 'timeout is above deadline'],
    ['max_ttl = 0\nmin_ttl = 1', 'min_ttl is above max_ttl'],
  ] as const) {
    it(`refuses ${line}`, () =>
      assert.ok(errorOf(`[dns]\n${line}`).endsWith(` ${message}`), errorOf(`[dns]\n${line}`)))
  }
})

describe('other settings', () => {
  it('are read', () => {
    const settings = settingsOf(
      'dns_cache_size = 0\nmx_sending_threads = 10 ; all workers\n[status]\nallow = 192.0.2.0/24, ::1\n' +
        '[tests]\non_reload = REFUSE\njoe@example.com -> ann@example.com : direct\n[redis]\nhost = 192.0.2.1\nconnecttimeout = 5',
    )
    assert.equal(settings.dnsCacheSize, 0)
    assert.equal(settings.mxSendingThreads, 10)
    assert.deepEqual(settings.status.allow, ['192.0.2.0/24', '::1'])
    assert.equal(settings.tests.onReload, 'refuse')
    assert.deepEqual(settings.redis, { host: '192.0.2.1', connectTimeout: '5' })
  })

  it('accepts [redis]', () => {
    for (const lines of [
      'host = 192.0.2.1',
      'host = redis_1\nport = 6380\ndatabase = 3\ntls = yes\nusername = joe\npassword = "a b"',
      'ip = ::1\nnoDelay = 1\nRESP = 3\npingInterval = 1000',
      'url = rediss://joe:secret@redis.example:6380/2',
      'path = /run/redis.sock',
    ]) {
      const errors = diagnose(`[redis]\n${lines}`).filter(({ severity }) => severity === 'error')
      assert.deepEqual(errors, [], lines)
    }
  })

  it('a bad url of [redis] is an error that does not show it', () => {
    for (const url of ['http://joe:secret@redis.example', 'joe:secret@redis.example', 'redis://']) {
      const [found, ...more] = diagnose(`[redis]\nurl = ${url}`)
      assert.equal(found?.code, 'bad-value', url)
      assert.equal(JSON.stringify([found, ...more]).includes('secret'), false, url)
    }
  })

  it('a yes of [redis] is one for node-redis, however it is written', () => {
    for (const word of ['1', 'on', 'YES']) {
      assert.deepEqual(settingsOf(`[redis]\ntls = ${word}`).redis, { tls: 'true' })
    }
    assert.deepEqual(settingsOf('[redis]\ntls = off').redis, { tls: 'false' })
  })

  for (const [text, message] of [
    ['mx_sending_threads = 0', '1:22 bad value "0" for mx_sending_threads'],
    ['mx_sending_threads = ten', '1:22 bad value "ten" for mx_sending_threads'],
    ['dns_cache_size = 1k', '1:18 bad value "1k" for dns_cache_size'],
    ['[status]\nallow = localhost', '2:9 bad value "localhost" for allow'],
    ['[status]\nallow = 192.0.2.0/33', '2:9 bad value "192.0.2.0/33" for allow'],
    ['[tests]\non_reload = stop', '2:13 bad value "stop" for on_reload'],
    ['[redis]\nport = 65536', '2:8 bad value "65536" for port'],
    ['[redis]\nhost = 192.0.2.1:6379', '2:8 bad value "192.0.2.1:6379" for host'],
    ['[redis]\ndatabase = first', '2:12 bad value "first" for database'],
    ['[redis]\ntls = maybe', '2:7 bad value "maybe" for tls'],
    ['[redis]\nconnectTimeout = 5s', '2:18 bad value "5s" for connectTimeout'],
    ['[redis]\nRESP = 4', '2:8 bad value "4" for RESP'],
  ] as const) {
    it(`refuses ${text}`, () => assert.equal(errorOf(text), message))
  }
})
