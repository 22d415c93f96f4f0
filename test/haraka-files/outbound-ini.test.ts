import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseOutboundSettings } from '../../lib/haraka-files/outbound-ini'

interface OutboundConfig {
  temp_fail_intervals: unknown
  maxTempFailures: number
}

const haraka = createRequire(resolve('package.json'))('haraka/outbound/config') as {
  set_temp_fail_intervals: (this: { cfg: OutboundConfig }) => void
}

/** What Haraka itself makes of a setting. */
function harakaIntervals(text: string, maxTempFailures: number): unknown {
  const cfg: OutboundConfig = { temp_fail_intervals: text, maxTempFailures }
  haraka.set_temp_fail_intervals.call({ cfg })
  return cfg.temp_fail_intervals
}

/** What is read from an `outbound.ini` with that setting. */
function intervalsOf(text: string, maxTempFailures: number): readonly number[] {
  const file = `temp_fail_intervals=${text}\nmaxTempFailures=${maxTempFailures}\n`
  return parseOutboundSettings((name) => (name === 'outbound.ini' ? file : undefined)).retryIntervalsSeconds
}

const TEXTS = [
  '',
  'none',
  'None',
  '1m',
  '1m, 5m*2, 1h*3',
  '4s',
  '5s',
  '1.5h',
  '1d*2',
  '5',
  '1m*',
  '1m*x',
  '1m*2*3',
  '1w',
  'm',
  ',',
  '1m,,2m',
  '0m',
  '-5m',
  '1m*0',
]

test('retry intervals are read as Haraka reads them', () => {
  for (const text of TEXTS) assert.deepEqual(intervalsOf(text, 5), harakaIntervals(text, 5), text)
})

test('retry intervals of random text are those of Haraka', () => {
  const element = fc.tuple(
    fc.oneof(fc.nat(2000).map(String), fc.constantFrom('', '1.5', 'x', '-1')),
    fc.constantFrom('s', 'm', 'h', 'd', 'w', '', ' M'),
    fc.constantFrom('', '*2', '* 3', '*x', '*1*1'),
  )
  const texts = fc.array(element, { maxLength: 4 }).map((all) => all.map((parts) => parts.join('')).join(','))
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 14 }), (text, max) => {
      assert.deepEqual(intervalsOf(text, max), harakaIntervals(text, max))
    }),
  )
})

test('without a file there are 13 retry intervals', () => {
  const { retryIntervalsSeconds, inetPrefer } = parseOutboundSettings(() => undefined)
  assert.deepEqual(retryIntervalsSeconds, harakaIntervals('', 13))
  assert.equal(retryIntervalsSeconds.length, 12)
  assert.equal(inetPrefer, 'default')
})

const FILES: readonly (readonly [Record<string, string>, readonly number[], string])[] = [
  [{ 'outbound.ini': 'temp_fail_intervals=1m,2m\ninet_prefer = v4\n' }, [60, 120], 'v4'],
  [{ 'outbound.ini': '; temp_fail_intervals=1m\nmaxTempFailures=3' }, [64, 128], 'default'],
  [{ 'outbound.ini': '[other]\ntemp_fail_intervals=1m\n[main]\ntemp_fail_intervals = 2m' }, [120], 'default'],
  [{ 'outbound.ini': 'temp_fail_intervals=1m, \\\n2m' }, [60, 120], 'default'],
  [
    { 'outbound.ini': 'inet_prefer=both', 'outbound.temp_fail_intervals': '# a comment\n5m\n' },
    [300],
    'default',
  ],
  [{ 'outbound.maxTempFailures': '2\n' }, [64], 'default'],
]

for (const [files, intervals, prefer] of FILES) {
  test(`outbound settings of ${JSON.stringify(files)}`, () => {
    assert.deepEqual(
      parseOutboundSettings((name) => files[name]),
      { retryIntervalsSeconds: intervals, inetPrefer: prefer },
    )
  })
}
