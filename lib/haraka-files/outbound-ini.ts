import type { InetPrefer } from '../model/dns-answer'
import { readMainSettings } from './ini-sections'

/** What is needed of Haraka's `outbound.ini`. */
export interface OutboundSettings {
  /** Seconds between the end of one attempt and the next; when they are used up the message bounces. */
  readonly retryIntervalsSeconds: readonly number[]
  readonly inetPrefer: InetPrefer
}

/** Haraka's `maxTempFailures` where nothing else is set (Haraka `outbound/config.js`). */
const DEFAULT_MAX_FAILURES = 13

/** The shortest interval that Haraka takes, seconds. */
const SHORTEST_SECONDS = 5

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** 64 s, doubled each time: what Haraka does without `temp_fail_intervals`, and in place of one that it cannot read. */
function doubling(maxFailures: number): number[] {
  return Array.from({ length: Math.max(0, maxFailures - 1) }, (_, index) => 2 ** (index + 6))
}

/**
 * Haraka's `temp_fail_intervals`, as `1m, 5m*2, 1h*3` or `none`, in seconds. What Haraka refuses gives what Haraka then takes:
 * the doubling of `maxTempFailures` (Haraka `outbound/config.js` `set_temp_fail_intervals`).
 */
function parseRetryIntervals(text: string | undefined, maxFailures: number): number[] {
  const fallback = doubling(maxFailures)
  const input = (text ?? '').replace(/\s+/g, '').toLowerCase()
  if (input === '') return fallback
  if (input === 'none') return []
  const times: number[] = []
  for (const element of input.split(',')) {
    const [span = '', count = '1', ...rest] = element.split('*')
    const unit = UNITS[span.slice(-1)]
    const seconds = Number(span.slice(0, -1)) * (unit ?? Number.NaN)
    const repeats = Number(count)
    if (rest.length > 0 || !Number.isInteger(repeats) || !(seconds >= SHORTEST_SECONDS)) return fallback
    for (let index = 0; index < repeats; index++) times.push(seconds)
  }
  return times.length === 0 ? fallback : times
}

/**
 * Haraka's settings for outbound mail, from the files of its config folder.
 *
 * @param read gives the text of one file of that folder, or undefined if it does not exist.
 */
export function parseOutboundSettings(read: (file: string) => string | undefined): OutboundSettings {
  const main = readMainSettings(read('outbound.ini') ?? '')
  // the two files of their own are what Haraka still reads from before outbound.ini
  const value = (name: string) => main.get(name) || firstLine(read(`outbound.${name}`))
  const prefer = main.get('inet_prefer')
  const maxFailures = Number(value('maxTempFailures') || DEFAULT_MAX_FAILURES)
  return {
    retryIntervalsSeconds: parseRetryIntervals(
      value('temp_fail_intervals'),
      Number.isInteger(maxFailures) ? maxFailures : DEFAULT_MAX_FAILURES,
    ),
    inetPrefer: prefer === 'v4' || prefer === 'v6' ? prefer : 'default',
  }
}

function firstLine(text: string | undefined): string | undefined {
  return text
    ?.split(/\r?\n/)
    .find((line) => !/^\s*(?:[;#].*)?$/.test(line))
    ?.trim()
}
