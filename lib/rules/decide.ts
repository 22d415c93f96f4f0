import type { Decision, OnRefusal } from '../model/decision'
import type { MxAnswer } from '../model/dns-answer'
import { exchangeKey, sameServer, type Exchange } from '../model/exchange'
import type { Message } from '../model/message'
import type { DirectTerms } from '../model/terms'
import { planAttempts } from './attempts-plan'
import type { RuleSet } from './compile'
import { messageHolds, mxHolds, whyNot, type Condition } from './conditions/condition'
import {
  exchangesByAddress,
  mxExchanges,
  noExchanges,
  plainDirect,
  type DirectMail,
  type MxExchanges,
} from './mx-exchanges'
import type { Knowledge, FullKnowledge, Missing } from './knowledge'
import type { LineTrace, OverrideLine, TracedDecision } from './types'

/** A line and whether it matched, gathered only for an explanation. */
interface Trace {
  readonly lines: LineTrace[]
  /** After this line no other is looked at. */
  last?: OverrideLine
}

/** An address has no MX records. */
const MX_OF_LITERAL: MxAnswer = Object.freeze({
  kind: 'nodata',
  proven: true,
  how: 'fresh',
  server: 'literal',
  ttlSeconds: 0,
})
const NO_LINES: readonly OverrideLine[] = Object.freeze([])
/** Up to this many exchanges it is quicker to compare each with each than to make a table of their keys. */
const FEW = 8

/**
 * Where a message goes. Pure and synchronous.
 *
 * 1. Override lines are read in file order. Each that matches adds its target; one with `$end` stops.
 * 2. If none matched, `[attempts]` decides; without an entry for the domain, its MX records do.
 *
 * @returns the decision, or what it needs to know and is not in `known`
 */
export function decide(rules: RuleSet, message: Message, known: FullKnowledge): Decision
export function decide(rules: RuleSet, message: Message, known: Knowledge): Decision | Missing
export function decide(rules: RuleSet, message: Message, known: Knowledge): Decision | Missing {
  return run(rules, message, known, undefined)
}

/** As {@link decide}, by the same steps, with each line for the domain up to the `$end` that stopped: did it match, and if not, why not? */
export function explain(rules: RuleSet, message: Message, known: FullKnowledge): TracedDecision
export function explain(rules: RuleSet, message: Message, known: Knowledge): TracedDecision | Missing
export function explain(rules: RuleSet, message: Message, known: Knowledge): TracedDecision | Missing {
  const trace: Trace = { lines: [] }
  const decision = run(rules, message, known, trace)
  if (typeof decision === 'string') return decision
  const { lines, last } = trace
  const linesRead = last === undefined ? rules.lines.length : rules.lines.indexOf(last) + 1
  return { ...decision, lines, linesRead }
}

/** The lines of an explanation, and in their places those for other domains. There may be 100,000: for who wants to see them all. */
export function traceAllLines(
  rules: RuleSet,
  { domain, lines, linesRead }: TracedDecision,
): readonly LineTrace[] {
  const traced = new Map(lines.map((trace) => [trace.line, trace]))
  return rules.lines.slice(0, linesRead).map(({ line, pattern }) => {
    const reason = `domain "${domain}" does not match ${pattern}`
    return traced.get(line) ?? { line, matched: false, reason }
  })
}

function run(
  rules: RuleSet,
  message: Message,
  known: Knowledge,
  trace: Trace | undefined,
): Decision | Missing {
  const { domain } = message
  let matched = NO_LINES
  let mx: MxAnswer | undefined
  for (const line of rules.linesFor(domain)) {
    let unmet: Condition | undefined
    for (const condition of line.conditions) {
      if (condition.kind === 'mx') {
        mx ??= mxOf(domain, known)
        if (mx === undefined) return 'mx'
        if (mx.kind !== 'failed' && mxHolds(condition, mx)) continue
      } else if (messageHolds(condition, message)) continue
      unmet = condition
      break
    }
    if (unmet === undefined) {
      matched = matched.length === 0 ? [line] : [...matched, line]
      trace?.lines.push({ line: line.line, matched: true })
      if (!line.end) continue
      if (trace !== undefined) trace.last = line
      break
    }
    trace?.lines.push({ line: line.line, matched: false, reason: whyNot(unmet, message, mx) })
    if (unmet.kind === 'mx' && mx?.kind === 'failed' && matters(line, matched)) {
      if (trace !== undefined) trace.last = line
      const undecided = noExchanges('defer', 'dns-failure', whyNot(unmet, message, mx))
      return conclude(domain, 'overrides', matched, undecided, mx)
    }
  }
  if (matched.length > 0) return byOverrides(rules, domain, matched, mx, known)
  return byAttempts(rules, message, mx, known)
}

/** The MX answer for the domain. Nothing is looked up for a domain literal. */
function mxOf(domain: string, known: Knowledge): MxAnswer | undefined {
  return domain.startsWith('[') ? MX_OF_LITERAL : known.mx
}

/** Would the decision be different if this line matched? Not if it only adds a server that is there already and is not tried later. */
function matters({ end, addDns, exchange }: OverrideLine, matched: readonly OverrideLine[]): boolean {
  if (end || exchange === undefined) return true
  if (addDns && !matched.some(usesDns)) return true
  return !matched.some(
    ({ exchange: other }) =>
      other !== undefined && sameServer(other, exchange) && other.priority <= exchange.priority,
  )
}

/** Does the line add the domain's own exchanges? */
const usesDns = (line: OverrideLine) => line.addDns || line.exchange === undefined

function byOverrides(
  rules: RuleSet,
  domain: string,
  matched: readonly OverrideLine[],
  asked: MxAnswer | undefined,
  known: Knowledge,
): Decision | Missing {
  const exchanges: Exchange[] = []
  for (const { exchange } of matched) if (exchange !== undefined) exchanges.push(exchange)
  if (!matched.some(usesDns)) {
    return conclude(domain, 'overrides', matched, { outcome: 'deliver', exchanges }, asked)
  }
  const mx = asked ?? mxOf(domain, known)
  if (mx === undefined) return 'mx'
  const own = directExchanges(domain, matched, mx, { rules, known })
  if (own === 'addresses') return own
  // Targets of lines are used even if the lookup failed.
  const joined: MxExchanges =
    exchanges.length === 0 ? own : { outcome: 'deliver', exchanges: [...exchanges, ...own.exchanges] }
  return conclude(domain, 'overrides', matched, joined, mx)
}

/** The domain's own exchanges. NXDOMAIN of the MX question alone does not say that the domain does not exist. */
function exchangesOfDomain(
  domain: string,
  mx: MxAnswer,
  mail: DirectMail,
  { addresses }: Knowledge,
): MxExchanges | 'addresses' {
  if (mx.kind !== 'nxdomain') return mxExchanges(domain, mx, mail)
  return addresses === undefined ? 'addresses' : exchangesByAddress(domain, addresses, mail)
}

/**
 * The domain's own exchanges on the terms of each matched line that adds them, in order: of the same server on several terms the
 * first counts.
 */
function directExchanges(
  domain: string,
  matched: readonly OverrideLine[],
  mx: MxAnswer,
  { rules, known }: { readonly rules: RuleSet; readonly known: Knowledge },
): MxExchanges | 'addresses' {
  const all: Exchange[] = []
  const terms = new Set<DirectTerms>()
  let first: MxExchanges | undefined
  for (const line of matched) {
    const direct = line.target.kind === 'terms' ? line.target.direct : rules.direct
    if (!usesDns(line) || terms.has(direct)) continue
    terms.add(direct)
    const { name } = direct
    const mail =
      name === undefined
        ? plainDirect(direct)
        : { direct, origin: { kind: 'dns', line: line.line, name } as const }
    const own = exchangesOfDomain(domain, mx, mail, known)
    if (own === 'addresses') return own
    first ??= own
    all.push(...own.exchanges)
  }
  return { ...first!, exchanges: all }
}

function byAttempts(
  rules: RuleSet,
  message: Message,
  asked: MxAnswer | undefined,
  known: Knowledge,
): Decision | Missing {
  const { domain } = message
  const entry = rules.attemptsFor(domain)
  const plan = entry === undefined ? undefined : planAttempts(entry, rules.rotation, message, known.isUsable)
  if (entry === undefined || plan === undefined || plan.kind === 'direct') {
    const mx = asked ?? mxOf(domain, known)
    if (mx === undefined) return 'mx'
    const own = exchangesOfDomain(domain, mx, plainDirect(rules.direct), known)
    return own === 'addresses'
      ? own
      : conclude(domain, entry === undefined ? 'dns' : 'attempts', NO_LINES, own, mx)
  }
  if (plan.kind === 'relay') {
    const { relay, fallbackRelays } = plan
    return conclude(
      domain,
      'attempts',
      NO_LINES,
      { outcome: 'deliver', exchanges: [relay] },
      asked,
      fallbackRelays,
    )
  }
  const reason = `all attempts of [attempts] are made: direct=${entry.direct} relay=${entry.relay}`
  return conclude(domain, 'attempts', NO_LINES, noExchanges('bounce', 'attempts-exhausted', reason), asked)
}

/** Each property is written out: all decisions then have one hidden class in V8, and no object is copied. */
function conclude(
  domain: string,
  source: Decision['source'],
  lines: readonly OverrideLine[],
  { outcome, exchanges, noRoute }: MxExchanges,
  mx: MxAnswer | undefined,
  fallbackRelays?: readonly Exchange[],
): Decision {
  return {
    domain,
    outcome,
    source,
    matched: lines.map(({ line }) => line),
    exchanges: inOrder(exchanges),
    fallbackRelays,
    noRoute,
    mx,
    onRefusal: lines.some(asksForRefusal) ? onRefusalOf(lines) : undefined,
  }
}

const asksForRefusal = ({ readsReply, againMs }: OverrideLine) => readsReply || againMs !== undefined

/** The first `$again` of the matched lines counts. */
function onRefusalOf(lines: readonly OverrideLine[]): OnRefusal {
  const againMs = lines.find((line) => line.againMs !== undefined)?.againMs
  return {
    replyLines: lines.filter(({ readsReply }) => readsReply).map(({ line, text }) => ({ line, text })),
    ...(againMs === undefined ? {} : { againMs }),
  }
}

/**
 * Each exchange once, at its lowest priority (of equals the first); by priority, equals in the order they came in. Most lists are
 * sorted already and come back as they are: sorting makes a kilobyte of garbage.
 */
function inOrder(exchanges: readonly Exchange[]): readonly Exchange[] {
  if (exchanges.length < 2) return exchanges
  const sorted = exchanges.every(isInPlace)
    ? exchanges
    : exchanges.toSorted((a, b) => a.priority - b.priority)
  if (sorted.length > FEW) return onceByKey(sorted)
  return sorted.every(isFirst) ? sorted : sorted.filter(isFirst)
}

const isInPlace = ({ priority }: Exchange, index: number, all: readonly Exchange[]) =>
  index === 0 || all[index - 1]!.priority <= priority

const isFirst = (exchange: Exchange, index: number, all: readonly Exchange[]) =>
  all.findIndex((other) => sameServer(other, exchange)) === index

function onceByKey(exchanges: readonly Exchange[]): readonly Exchange[] {
  const once = new Map<string, Exchange>()
  for (const exchange of exchanges) {
    const key = exchangeKey(exchange)
    if (!once.has(key)) once.set(key, exchange)
  }
  return [...once.values()]
}
