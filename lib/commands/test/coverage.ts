import type { Decision } from '../../model/decision'
import type { MxAnswer } from '../../model/dns-answer'
import type { Exchange } from '../../model/exchange'
import { BLANK_MESSAGE, FAILED_STEPS, type Message } from '../../model/message'
import { ATTRIBUTE_NAMES, formatAttribute } from '../../model/message-attributes'
import type { RuleSet } from '../../rules/compile'
import { decide } from '../../rules/decide'
import { decisionWords, directWords, type ExpectationResult } from '../../rules/expectations'
import { messageHolds, mxHolds, type Condition } from '../../rules/conditions/condition'
import { assumedMx, domainOf, knowledgeOf } from '../../rules/message-spec'
import { parseMxText } from '../../rules/mx-spec'
import type { OverrideLine } from '../../rules/types'
import { fillWildcard, valuesFor } from '../../rules/sample-values'

/** An override line that no expectation reaches. */
export interface UntestedLine {
  readonly line: number
  /** As written, passwords masked. */
  readonly text: string
  /** A line for `[tests]` that reaches it and holds; absent if none was found. */
  readonly expectation?: string
}

/** A message that is tried out, and its MX records as in `mx=`; '' for those that are assumed without it. */
interface SampleMessage {
  readonly message: Message
  readonly mx: string
}

/** Messages that are tried out for one line before the search ends. */
const MOST_SAMPLES = 500

/** What may stand in one word of an expectation. */
const isWord = (value: string) => /^\S*$/.test(value)

/** The MX records that may make these conditions true or false, as in `mx=`. */
function mxValues(conditions: readonly Condition[]): readonly string[] {
  const hosts = conditions.flatMap((condition) =>
    condition.kind === 'mx' ? [fillWildcard(condition.wildcard)] : [],
  )
  return ['', ...hosts.map((host) => `10:${host}`), 'none']
}

function answerOf(text: string, domain: string): MxAnswer {
  const parsed = text === '' ? undefined : parseMxText(text)
  return parsed === undefined || 'error' in parsed ? assumedMx(domain) : parsed.answer
}

/** Messages to the line's domain, those first that meet its own conditions. */
function* sampleMessages(line: OverrideLine, rules: RuleSet): Generator<SampleMessage> {
  const domain = fillWildcard(line.pattern)
  // Another value of a condition may avoid an earlier line with $end.
  const conditions = [line, ...rules.linesFor(domain)].flatMap((each) => each.conditions)
  const named = (name: string) => conditions.filter(({ attribute }) => attribute.name === name)
  const values = (name: string, ...first: readonly string[]) =>
    [...new Set([...first, ...valuesFor(named(name))])].filter(isWord)
  const mx = mxValues(conditions)
  const replies = [...new Set(['', ...valuesFor(named('reply'))])].filter((text) => !text.includes('"'))
  const steps = FAILED_STEPS.filter((step) => values('failed', '').includes(step))
  for (const mailFrom of values('from', 'sender@example.com', ''))
    for (const authSender of values('authsender', '', 'user'))
      for (const recipient of values('rcpt', `user@${domain}`).filter((each) => domainOf(each) === domain))
        for (const size of values('size', '0').map(Number))
          for (const retries of values('retries', '0').map(Number))
            for (const ageMs of values('age', '0').map(Number))
              for (const reply of replies)
                for (const failed of steps)
                  for (const each of mx) {
                    const facts = { authSender, size, retries, ageMs, reply, failed }
                    const rcptTo = [recipient]
                    yield { message: { domain, mailFrom, rcptTo, ...facts, rotationOffset: 0 }, mx: each }
                  }
}

/** A quick check of the line's own conditions, before the whole decision is made. */
function meets(line: OverrideLine, { message, mx }: SampleMessage): boolean {
  const answer = answerOf(mx, message.domain)
  return line.conditions.every((condition) =>
    condition.kind === 'mx'
      ? answer.kind !== 'failed' && mxHolds(condition, answer)
      : messageHolds(condition, message),
  )
}

const isFromDns = (exchange: Exchange | undefined) => exchange?.origin.kind === 'dns'

/** A decision as `[tests]` expects it: what comes from DNS is `direct`, or the name of its terms. */
function expectedText(decision: Decision): string {
  if (decision.outcome !== 'deliver') return decision.outcome
  const parts = decision.exchanges.map((exchange) =>
    exchange.origin.kind === 'dns'
      ? directWords(exchange)
      : decisionWords({ ...decision, exchanges: [exchange] }),
  )
  return parts
    .filter((part, index) => part !== parts[index - 1] || !isFromDns(decision.exchanges[index]))
    .join(', ')
}

function expectationText({ message, mx }: SampleMessage, decision: Decision): string {
  const { mailFrom, rcptTo } = message
  return [
    mailFrom === '' ? '<>' : mailFrom,
    '->',
    ...rcptTo,
    ...ATTRIBUTE_NAMES.filter((name) => message[name] !== BLANK_MESSAGE[name]).map((name) =>
      formatAttribute(message, name),
    ),
    ...(mx === '' ? [] : [`mx=${mx}`]),
    ':',
    expectedText(decision),
  ].join(' ')
}

function findExpectation(line: OverrideLine, rules: RuleSet): string | undefined {
  let tried = 0
  for (const sample of sampleMessages(line, rules)) {
    if (++tried > MOST_SAMPLES) return undefined
    if (!meets(line, sample)) continue
    const { message, mx } = sample
    const decision = decide(rules, message, knowledgeOf(answerOf(mx, message.domain)))
    if (decision.matched.includes(line.line)) return expectationText(sample, decision)
  }
  return undefined
}

/** The override lines that match the message of no expectation, in file order, each with an expectation to add. */
export function findUntested(rules: RuleSet, results: readonly ExpectationResult[]): readonly UntestedLine[] {
  const reached = new Set(results.flatMap(({ decision }) => decision.matched))
  const untested: UntestedLine[] = []
  for (const line of rules.lines) {
    if (reached.has(line.line)) continue
    const expectation = findExpectation(line, rules)
    const text = line.text.trim().replace(/\s+/g, ' ')
    untested.push({ line: line.line, text, ...(expectation === undefined ? {} : { expectation }) })
  }
  return untested
}
