import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { loadConfiguration } from '../../lib/routing/configuration'
import { explain } from '../../lib/rules/decide'
import { normalizeDomain } from '../../lib/rules/domain-pattern'
import { knowledgeOf } from '../../lib/rules/message-spec'
import { parseMxText } from '../../lib/rules/mx-spec'
import type { Exchange } from '../../lib/model/exchange'
import { parseDuration } from '../../lib/model/duration'
import { BLANK_MESSAGE, type FailedStep } from '../../lib/model/message'
import { exchangeJson } from '../../lib/status/explanation'

interface Vector {
  readonly name: string
  readonly config: string
  readonly message: {
    readonly to: string
    readonly from?: string
    readonly authSender?: string
    readonly size?: number
    readonly retries?: number
    readonly reply?: string
    readonly failed?: FailedStep
    readonly age?: string
    readonly mx?: string
  }
  readonly expect: {
    readonly exit?: number
    readonly outcome?: string
    readonly source?: string
    readonly matched?: readonly number[]
    readonly exchanges?: readonly Readonly<Record<string, unknown>>[]
  }
}

const vectors = JSON.parse(readFileSync('test/fixtures/vectors.json', 'utf8')) as Vector[]

/** An exchange with no more than the fields that the vector names, so that the rest is not compared. */
function seen(exchange: Exchange, wanted: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const all = exchangeJson(exchange)
  return Object.fromEntries(Object.keys(wanted).map((key) => [key, all[key]]))
}

describe('examples of the products whose rules these are', () => {
  for (const { name, config, message, expect } of vectors) {
    it(name, async () => {
      const secrets = { env: {}, readFile: () => ({ text: '', mode: 0o600 }) }
      const { configuration, diagnostics } = loadConfiguration(config, {
        file: 'dns_overrides.ini',
        secrets,
      })
      if (expect.exit === 78) {
        assert.equal(configuration, undefined)
        assert.ok(diagnostics.some(({ severity }) => severity === 'error'))
        return
      }
      assert.ok(configuration, JSON.stringify(diagnostics))
      const mx = parseMxText(message.mx ?? 'none')
      assert.ok('answer' in mx)
      const given = {
        ...BLANK_MESSAGE,
        domain: normalizeDomain(message.to.slice(message.to.lastIndexOf('@') + 1)) ?? '',
        mailFrom: message.from ?? '',
        authSender: message.authSender ?? '',
        size: message.size ?? 0,
        retries: message.retries ?? 0,
        rcptTo: [message.to],
        reply: message.reply ?? '',
        failed: message.failed ?? '',
        ageMs: parseDuration(message.age ?? '0') ?? 0,
      }
      const decision = explain(configuration.rules, given, knowledgeOf(mx.answer))
      if (expect.outcome !== undefined) assert.equal(decision.outcome, expect.outcome)
      if (expect.source !== undefined) assert.equal(decision.source, expect.source)
      if (expect.matched !== undefined) assert.deepEqual(decision.matched, expect.matched)
      if (expect.exchanges !== undefined) {
        const wanted = expect.exchanges
        assert.equal(decision.exchanges.length, wanted.length)
        assert.deepEqual(
          decision.exchanges.map((exchange, index) => seen(exchange, wanted[index] ?? {})),
          wanted,
        )
      }
    })
  }
})
