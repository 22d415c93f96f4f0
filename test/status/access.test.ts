import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessTest } from '../../lib/status/access'

const SETTINGS = {
  allow: ['127.0.0.0/8', '::1', '192.0.2.0/24', '2001:db8::/32'],
  proxies: ['192.0.2.80', '2001:db8::80'],
}

/** Address of the socket, X-Forwarded-For, why it is refused. */
const CASES: readonly [string | undefined, string | undefined, RegExp | undefined][] = [
  ['127.0.0.1', undefined, undefined],
  ['::1', undefined, undefined],
  ['::ffff:127.0.0.1', undefined, undefined],
  ['192.0.2.77', undefined, undefined],
  ['2001:db8:1::7', undefined, undefined],
  ['198.51.100.1', undefined, /^198\.51\.100\.1 is not in \[status\] allow$/],
  ['::ffff:198.51.100.1', undefined, /^198\.51\.100\.1 is not in/],
  ['2001:db9::1', undefined, /not in \[status\] allow/],
  [undefined, undefined, /not known/],
  [
    '127.0.0.1',
    '127.0.0.1',
    /^127\.0\.0\.1 passes on the request of another, and is not in \[status\] proxies$/,
  ],
  ['192.0.2.80', '127.0.0.1', undefined],
  ['192.0.2.80', '198.51.100.1', /^198\.51\.100\.1 is not in/],
  ['192.0.2.80', '127.0.0.1, 198.51.100.1', /^198\.51\.100\.1 is not in/],
  ['192.0.2.80', '198.51.100.1, 127.0.0.1', undefined],
  ['192.0.2.80', '127.0.0.1, 198.51.100.1, 192.0.2.80', /^198\.51\.100\.1 is not in/],
  ['2001:db8::80', '2001:db8::9', undefined],
  ['192.0.2.80', '', /not a list of addresses/],
  ['192.0.2.80', 'unknown', /not a list of addresses/],
  ['192.0.2.80', '127.0.0.1, <script>', /not a list of addresses/],
  ['192.0.2.80', '192.0.2.80, 192.0.2.80', undefined],
  // What no proxy writes is refused as a whole, whatever stands beside it.
  ['192.0.2.80', '127.0.0.1:80', /not a list of addresses/],
  ['192.0.2.80', '[2001:db8::9]', /not a list of addresses/],
  ['192.0.2.80', '127.0.0.1, ,', /not a list of addresses/],
  ['192.0.2.80', '127.0.0.1 127.0.0.1', /not a list of addresses/],
  ['192.0.2.80', '0177.0.0.1', /not a list of addresses/],
  ['192.0.2.80', '127.1', /not a list of addresses/],
  ['192.0.2.80', '::ffff:198.51.100.1', /^198\.51\.100\.1 is not in/],
  ['192.0.2.80', 'for=127.0.0.1', /not a list of addresses/],
  ['198.51.100.1', '127.0.0.1', /^198\.51\.100\.1 passes on the request of another/],
]

test('a very long X-Forwarded-For is read from its end, only as far as there are proxies', () => {
  const refusal = accessTest(SETTINGS)({
    address: '192.0.2.80',
    forwardedFor: `${'127.0.0.1,'.repeat(100_000)}198.51.100.1`,
  })
  assert.match(refusal ?? '', /^198\.51\.100\.1 is not in/)
})

for (const [address, forwardedFor, expected] of CASES) {
  test(`${address ?? 'no address'}${forwardedFor === undefined ? '' : ` for "${forwardedFor}"`}: ${expected === undefined ? 'allowed' : 'refused'}`, () => {
    const refusal = accessTest(SETTINGS)({ address, forwardedFor })
    if (expected === undefined) assert.equal(refusal, undefined)
    else assert.match(refusal ?? '', expected)
  })
}
