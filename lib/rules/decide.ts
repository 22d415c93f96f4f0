import type { AddressAnswer, MxAnswer } from '../model/dns-answer'
import { literalAddress } from '../model/domain'
import type { Decision } from '../model/decision'
import { exchangeKey, exchangeOf, type Exchange } from '../model/exchange'
import type { Message } from '../model/message'
import type { Relay } from '../model/relay'
import { planAttempts } from './attempts-plan'
import type { RuleSet } from './compile'
import { exchangesByAddress, mxExchanges, noExchanges, type MxExchanges } from './mx-exchanges'
import type { Facts, LineTrace, OverrideLine, TracedDecision } from './types'

/** What a decision needs of the world. */
export interface DecideServices {
  /** The MX answer of a domain; asked at most once a message, and never of a domain literal. Never rejects. */
  readonly mx: (domain: string) => Promise<MxAnswer>
  /**
   * The addresses of a domain whose MX question was answered with NXDOMAIN, asked for if the decision depends on them. Absent: the
   * domain does not exist then, as where an operator wrote the answer down. Never rejects.
   */
  readonly addresses?: (domain: string) => Promise<AddressAnswer>
  /** List every line up to one whose `$end` stopped, not only those about this domain. */
  readonly trace?: boolean
  /** Is a relay valid, for the turns of `[attempts]`? Absent: all are. */
  readonly usable?: (relay: Exchange) => boolean
}

/** Lines read until now. */
interface Reading {
  readonly matched: OverrideLine[]
  readonly lines: LineTrace[]
  /** Why a line could not be decided on which the decision hangs. */
  undecided?: string
}

/**
 * Where a message goes, and why. Lines are read in file order; each that matches adds its target; `$end` on a matching line
 * stops. Without a match `[attempts]` decides, else plain DNS. DNS is asked only if the decision hangs on it. Never rejects as
 * long as `services.mx` does not.
 */
export async function decide(
  rules: RuleSet,
  message: Message,
  services: DecideServices,
): Promise<TracedDecision> {
  const { domain } = message
  let asked: Promise<MxAnswer> | undefined
  let answer: MxAnswer | undefined
  const mx = () => {
    asked ??= mxOf(domain, services).then((found) => (answer = found))
    return asked
  }
  const reading = await readLines(rules, { message, mx }, services.trace === true)
  const base = { domain, lines: reading.lines, matched: reading.matched.map(({ line }) => line) }
  const finish = (
    rest: Pick<Decision, 'outcome' | 'source' | 'exchanges' | 'noRoute' | 'fallbackRelays'>,
  ): TracedDecision => ({
    ...base,
    ...rest,
    ...(answer === undefined ? {} : { mx: answer }),
  })
  if (reading.undecided !== undefined) {
    const noRoute = { kind: 'dns-failure', message: reading.undecided } as const
    return finish({ outcome: 'defer', source: 'overrides', exchanges: [], noRoute })
  }
  const askDomain = () => exchangesOfDomain(domain, mx, services)
  if (reading.matched.length > 0) return finish(await fromOverrides(reading.matched, askDomain))
  return finish(await fromAttempts(rules, message, services, askDomain))
}

/** An address has no MX records. */
async function mxOf(domain: string, services: DecideServices): Promise<MxAnswer> {
  if (domain.startsWith('[')) return { kind: 'nodata', proven: true, how: 'fresh', server: 'literal', ttl: 0 }
  return services.mx(domain)
}

async function readLines(rules: RuleSet, facts: Facts, trace: boolean): Promise<Reading> {
  const reading: Reading = { matched: [], lines: [] }
  const candidates = rules.candidates(facts.message.domain)
  let others = 0
  const passOver = (until: number) => {
    for (
      let line = rules.lines[others];
      line !== undefined && line.line < until;
      line = rules.lines[++others]
    ) {
      const reason = `domain "${facts.message.domain}" does not match ${line.pattern.text}`
      reading.lines.push({ line: line.line, matched: false, reason })
    }
    others++
  }
  for (const line of candidates) {
    if (trace) passOver(line.line)
    const failed = await firstFailed(line, facts)
    if (failed === undefined) {
      reading.matched.push(line)
      reading.lines.push({ line: line.line, matched: true })
      if (line.end) return reading
      continue
    }
    reading.lines.push({ line: line.line, matched: false, reason: failed.reason })
    if (failed.undecided && matters(line, reading.matched)) {
      reading.undecided = failed.reason
      return reading
    }
  }
  if (trace) passOver(Infinity)
  return reading
}

/** The first condition that does not hold: those that need no DNS first, each in the order of the line. */
async function firstFailed(
  line: OverrideLine,
  facts: Facts,
): Promise<{ reason: string; undecided: boolean } | undefined> {
  for (const needsMx of [false, true]) {
    for (const condition of line.conditions) {
      if (condition.needsMx !== needsMx) continue
      const result = condition.test(facts)
      const outcome = result instanceof Promise ? await result : result
      if (outcome.holds !== true) return { reason: outcome.reason, undecided: outcome.holds === 'undecided' }
    }
  }
  return undefined
}

/** Would the decision be another if this line matched? Not if it only adds what is there already, at no better priority. */
function matters(line: OverrideLine, matched: readonly OverrideLine[]): boolean {
  const exchange = exchangeOfLine(line)
  if (line.end || exchange === undefined) return true
  if (line.addDns && !matched.some((earlier) => earlier.addDns || earlier.target.kind === 'direct'))
    return true
  return !matched.some((earlier) => {
    const other = exchangeOfLine(earlier)
    return (
      other !== undefined &&
      exchangeKey(other) === exchangeKey(exchange) &&
      other.priority <= exchange.priority
    )
  })
}

/** The exchange that a line adds; undefined for `$direct`. */
function exchangeOfLine({ target, line, priority }: OverrideLine): Exchange | undefined {
  return target.kind === 'direct' ? undefined : exchangeOf(target.relay, { kind: 'line', line }, priority)
}

type Outcome = Pick<Decision, 'outcome' | 'source' | 'exchanges' | 'noRoute' | 'fallbackRelays'>

async function fromOverrides(
  matched: readonly OverrideLine[],
  askDomain: () => Promise<MxExchanges>,
): Promise<Outcome> {
  const targets = matched.flatMap((line) => exchangeOfLine(line) ?? [])
  const wantsDns = matched.some((line) => line.addDns || line.target.kind === 'direct')
  const own = wantsDns ? await askDomain() : undefined
  if (targets.length === 0 && own !== undefined) return withSource(own, 'overrides')
  const joined = own?.outcome === 'deliver' ? own.exchanges : []
  return { outcome: 'deliver', source: 'overrides', exchanges: inOrder([...targets, ...joined]) }
}

async function fromAttempts(
  rules: RuleSet,
  message: Message,
  services: DecideServices,
  askDomain: () => Promise<MxExchanges>,
): Promise<Outcome> {
  const entry = rules.attemptsFor(message.domain)
  if (entry === undefined) return withSource(await askDomain(), 'dns')
  const usable = services.usable
  const exchangeAt = (relay: Relay) => exchangeOf(relay, { kind: 'attempts' })
  const plan = planAttempts(entry, rules.relays, message, usable && ((relay) => usable(exchangeAt(relay))))
  switch (plan.kind) {
    case 'direct':
      return withSource(await askDomain(), 'attempts')
    case 'relay': {
      return {
        outcome: 'deliver',
        source: 'attempts',
        exchanges: [exchangeAt(plan.relay)],
        fallbackRelays: plan.fallbackRelays.map(exchangeAt),
      }
    }
    case 'exhausted': {
      const reason = `all attempts of [attempts] are made: direct=${entry.direct} relay=${entry.relay}`
      return { ...noExchanges('bounce', 'attempts-exhausted', reason), source: 'attempts' }
    }
    default:
      return plan satisfies never
  }
}

function withSource(own: MxExchanges, source: Decision['source']): Outcome {
  return { ...own, source, exchanges: inOrder(own.exchanges) }
}

async function exchangesOfDomain(
  domain: string,
  mx: () => Promise<MxAnswer>,
  { addresses }: DecideServices,
): Promise<MxExchanges> {
  const answer = await mx()
  return answer.kind === 'nxdomain' && addresses !== undefined
    ? exchangesByAddress(domain, await addresses(domain))
    : mxExchanges(domain, literalAddress(domain), answer)
}

/** Each exchange once, at its lowest priority (of equals the first); by priority, equals in the order they came in. */
function inOrder(exchanges: readonly Exchange[]): Exchange[] {
  const once = new Map<string, Exchange>()
  for (const exchange of exchanges.toSorted((a, b) => a.priority - b.priority)) {
    const key = exchangeKey(exchange)
    if (!once.has(key)) once.set(key, exchange)
  }
  return [...once.values()]
}
