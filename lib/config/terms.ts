import { isIP } from 'node:net'
import { toHost } from '../model/domain'
import { HOUR_MS } from '../model/duration'
import { parseBind, type Bind, type Terms } from '../model/terms'
import type { Report } from '../source/report'
import { badHost } from './bad-host'
import type { Values } from './keyed'
import type { Section } from './section'
import { duration, oneOf, wholeNumber, withMeant, type Reader } from './values'

const SECOND_MS = 1_000

const BIND = 'an IP address, or one of each family: 192.0.2.7, 2001:db8::7'

const bind: Reader<Bind> = (value) => {
  const read = parseBind(value)
  if (read !== undefined) return { ok: true, value: read }
  const hasBad = value.split(',').some((part) => isIP(part.trim()) === 0)
  return { ok: false, expected: hasBad ? BIND : 'one address of each family at most' }
}

const helo: Reader<string> = (value) => {
  const literal = /^\[[^\s\]]+\]$/.test(value)
  const host = literal ? value : toHost(value)
  return host === undefined ? badHost(value, value, 'a host name') : { ok: true, value: host }
}

/** The keys that `[relay:NAME]`, `[direct]` and `[direct:NAME]` have in common. */
export const TERMS_KEYS = {
  tls: withMeant(oneOf('required', 'opportunistic', 'off'), {
    yes: 'required',
    true: 'required',
    on: 'required',
    starttls: 'required',
    no: 'off',
    false: 'off',
    none: 'off',
  }),
  bind,
  bind_helo: helo,
  family: withMeant(oneOf('v4', 'v6', 'any'), { ipv4: 'v4', ipv6: 'v6', 4: 'v4', 6: 'v6', both: 'any' }),
  next_mx: oneOf('no_answer', 'connection', 'temporary'),
  retry_after: duration(SECOND_MS, HOUR_MS),
  max_connections: wholeNumber(1, 1_000_000),
  max_per_hour: wholeNumber(1, 1_000_000_000),
}

/** The terms of a section; what it leaves out is as in `base`. */
export function readTerms(
  section: Section,
  values: Values<typeof TERMS_KEYS>,
  base: Terms,
  report: Report,
): Terms {
  const family = values.family ?? base.family
  const from = values.bind ?? base.bind
  if (family !== 'any' && from !== undefined && from[family] === undefined) {
    const setting = section.settings.get('bind') ?? section.settings.get('family')
    const message = `with family = ${family} nothing can be sent from ${from.v4 ?? from.v6}`
    const help = { expected: `a bind address of family ${family}` }
    if (setting !== undefined) report.error(setting.source, setting.valueSpan, 'conflict', message, help)
  }
  return {
    ...base,
    tls: values.tls ?? base.tls,
    family,
    nextMx: values.next_mx ?? base.nextMx,
    ...(values.bind === undefined ? {} : { bind: values.bind }),
    ...(values.bind_helo === undefined ? {} : { bindHelo: values.bind_helo }),
    ...(values.retry_after === undefined ? {} : { retryAfterMs: values.retry_after }),
    ...(values.max_connections === undefined ? {} : { maxConnections: values.max_connections }),
    ...(values.max_per_hour === undefined ? {} : { maxPerHour: values.max_per_hour }),
  }
}
