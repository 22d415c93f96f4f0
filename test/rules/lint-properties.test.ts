import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { covers, overlap } from '../../lib/rules/lint/patterns'
import { lint } from '../../lib/rules/lint'
import { decide } from '../../lib/rules/decide'
import { knowledgeOf } from '../../lib/rules/message-spec'
import { parseMxText } from '../../lib/rules/mx-spec'
import type { Decision } from '../../lib/model/decision'
import { exchangeKey } from '../../lib/model/exchange'
import { BLANK_MESSAGE, type Message } from '../../lib/model/message'
import { compileWildcard } from '../../lib/rules/wildcard'
import { configure } from '../support/rules'

// Small alphabets, so that random lines and messages meet.

const pattern = fc.oneof(
  fc.constantFrom('*', '*.b', 'a.b', '?.b', '*a*', 'a*', 'b'),
  fc
    .string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), minLength: 1, maxLength: 6 })
    .filter((text) => !/^\.|\.\.|\.$/.test(text)),
)
const word = fc.oneof(
  fc.constantFrom('a', 'b', 'ab', 'aB', 'A', 'b@a'),
  fc.string({ unit: fc.constantFrom('a', 'A', 'b', '@', 'K', '\u212a'), maxLength: 3 }),
)
const wildcard = fc.string({ unit: fc.constantFrom('a', 'B', '*', '?', '@'), minLength: 1, maxLength: 3 })
const number = fc.nat(5).map(String)
const comparison = fc.constantFrom('=', '==', '<>', '!=', '<', '<=', '>', '>=')
const condition = fc.oneof(
  fc.tuple(fc.constantFrom('$retries', '$size'), comparison, number),
  fc.tuple(fc.constantFrom('$from', '$authsender'), comparison, word),
  fc.tuple(fc.constantFrom('$from', '$authsender'), fc.constantFrom('~=', '~!', '!~'), wildcard),
  fc.tuple(
    fc.constantFrom('$from', '$authsender'),
    fc.constantFrom('~=', '~!'),
    fc.constantFrom('/a/', '/a/i', '/^b/', '/A$/'),
  ),
  fc.tuple(fc.constantFrom('$dnsmx', '$dnsmxall'), fc.constant(':'), fc.constantFrom('*', 'a*', '*b', 'ab')),
  fc.tuple(fc.constant('$dnsmx'), fc.constant(':!'), fc.constantFrom('*', 'a*', '*b', 'ab')),
)
const target = fc.constantFrom('s.test', 's.test', 't.test', 'u:p@s.test', '$direct', '@isp')
const option = fc.constantFrom('$end', '$end', '$adddns', '$priority:5', '$priority:10')
const line = fc
  .tuple(
    pattern,
    target,
    fc.array(condition, { maxLength: 3 }),
    fc.uniqueArray(option, { maxLength: 2, selector: (text) => text.slice(0, 5) }),
  )
  .map(([domain, to, conditions, options]) =>
    [domain, to, ...conditions.map((parts) => parts.join('')), ...options].join(' '),
  )
const ruleSet = fc.array(line, { minLength: 1, maxLength: 6 })

const message = fc
  .record({
    domain: fc.oneof(
      fc.constantFrom('a.b', 'b', 'a', 'ab.b'),
      fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 }),
    ),
    mailFrom: word,
    authSender: word,
    size: fc.nat(6),
    retries: fc.nat(6),
  })
  .map((given): Message => ({ ...BLANK_MESSAGE, ...given }))
const mx = fc.constantFrom('none', 'nxdomain', 'fail', '10:ab', '10:a,20:b', '5:cb')

const HEAD = '[relay:isp]\nhost = s.test\npriority = 7\n[overrides]\n'

async function decided(text: string, given: Message, answer: string): Promise<Decision> {
  const parsed = parseMxText(answer)
  assert.ok('answer' in parsed)
  return decide(configure(text).rules, given, knowledgeOf(parsed.answer))
}

const warningsOf = (text: string) => lint(configure(text), { text, retryIntervalsSeconds: [1, 1, 1] })

const RUNS = {
  numRuns: Number(process.env.PROPERTY_RUNS ?? 800),
  seed: Number(process.env.PROPERTY_SEED ?? 20_260_521),
}

test('a line that a warning calls impossible matches no message', async () => {
  let reported = 0
  await fc.assert(
    fc.asyncProperty(
      ruleSet,
      fc.array(message, { minLength: 20, maxLength: 20 }),
      mx,
      async (lines, messages, answer) => {
        const text = HEAD + lines.join('\n')
        const dead = warningsOf(text).filter(({ code }) => code === 'unreachable' || code === 'contradiction')
        reported += dead.length
        if (dead.length === 0) return
        for (const one of messages) {
          const { matched } = await decided(text, one, answer)
          for (const { span } of dead)
            assert.ok(!matched.includes(span.line), `line ${span.line} matched\n${text}`)
        }
      },
    ),
    RUNS,
  )
  assert.ok(reported > 100, `the property was put to the test (${reported} times)`)
})

/** What a decision comes to, whichever line it comes from. */
function result({ outcome, exchanges }: Decision): unknown {
  return [outcome, exchanges.map((exchange) => [exchangeKey(exchange), exchange.priority])]
}

test('a line that a warning calls redundant can be removed without changing a decision', async () => {
  let reported = 0
  await fc.assert(
    fc.asyncProperty(
      ruleSet,
      fc.array(message, { minLength: 20, maxLength: 20 }),
      mx,
      async (lines, messages, answer) => {
        const text = HEAD + lines.join('\n')
        const idle = warningsOf(text).filter(({ code }) => code === 'no-effect')
        reported += idle.length
        for (const { span } of idle) {
          const without = text
            .split('\n')
            .map((each, index) => (index === span.line - 1 ? '' : each))
            .join('\n')
          for (const one of messages) {
            assert.deepEqual(
              result(await decided(without, one, answer)),
              result(await decided(text, one, answer)),
              `without line ${span.line}\n${text}\n${JSON.stringify(one)}`,
            )
          }
        }
      },
    ),
    RUNS,
  )
  assert.ok(reported > 15, `the property was put to the test (${reported} times)`)
})

test('a condition or priority that a warning calls useless can be removed without changing a decision', async () => {
  let reported = 0
  await fc.assert(
    fc.asyncProperty(
      ruleSet,
      fc.array(message, { minLength: 20, maxLength: 20 }),
      mx,
      async (lines, messages, answer) => {
        const text = HEAD + lines.join('\n')
        const idle = warningsOf(text).filter(({ code }) => code === 'always-true' || code === 'idle-priority')
        reported += idle.length
        for (const { span, code } of idle) {
          const cut = (each: string) =>
            each.slice(0, span.column - 1) + each.slice(span.column - 1 + span.length)
          const without = text
            .split('\n')
            .map((each, index) => (index === span.line - 1 ? cut(each) : each))
            .join('\n')
          // without its $priority a server may have another one, and yet stand alone
          const seen = (decision: Decision) =>
            code === 'always-true'
              ? result(decision)
              : [decision.outcome, decision.exchanges.map(exchangeKey)]
          for (const one of messages) {
            assert.deepEqual(
              seen(await decided(without, one, answer)),
              seen(await decided(text, one, answer)),
              `without ${code} of line ${span.line}\n${text}\n${JSON.stringify(one)}`,
            )
          }
        }
      },
    ),
    RUNS,
  )
  assert.ok(reported > 100, `the property was put to the test (${reported} times)`)
})

const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 6 })
const plain = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 6 })

test('a pattern that covers another matches all that the other matches, and patterns that do not overlap share no text', () => {
  fc.assert(
    fc.property(glob, glob, fc.array(plain, { minLength: 30, maxLength: 30 }), (one, other, texts) => {
      const wide = covers(one, other)
      const common = overlap(one, other)
      for (const text of texts) {
        const both = [compileWildcard(one)(text), compileWildcard(other)(text)]
        if (wide && both[1]) assert.ok(both[0], `${one} covers ${other}, and not ${text}`)
        if (both[0] && both[1]) assert.ok(common, `${one} and ${other} have ${text} in common`)
      }
    }),
    { numRuns: 2000, seed: 7 },
  )
})
