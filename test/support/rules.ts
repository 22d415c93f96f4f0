import assert from 'node:assert/strict'
import { formatDiagnostic } from '../../lib/source/format'
import type { SecretSources } from '../../lib/config/types'
import { loadConfiguration, type Configuration } from '../../lib/routing/configuration'
import type { Diagnostic } from '../../lib/source/diagnostic'
import type { MxAnswer } from '../../lib/model/dns-answer'
import { decideWithDns, type DecisionInput } from '../../lib/routing/decide-with-dns'
import { decide, explain, traceAllLines } from '../../lib/rules/decide'
import { knowledgeOf } from '../../lib/rules/message-spec'
import { parseMxText } from '../../lib/rules/mx-spec'
import type { Decision } from '../../lib/model/decision'
import { formatEndpoint } from '../../lib/model/endpoint'
import { BLANK_MESSAGE, type Message } from '../../lib/model/message'
import type { LineTrace, TracedDecision } from '../../lib/rules/types'

/** Neither environment nor files. */
export const NO_SECRETS: SecretSources = {
  env: {},
  readFile: () => {
    throw Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' })
  },
}

/** The diagnostics of a text. */
export function diagnose(text: string, secrets: SecretSources = NO_SECRETS): readonly Diagnostic[] {
  return loadConfiguration(text, { file: 'f.ini', secrets }).diagnostics
}

/** The errors of a text as an operator reads them. */
export function printed(text: string, secrets: SecretSources = NO_SECRETS): string {
  return diagnose(text, secrets)
    .map((diagnostic) => formatDiagnostic(diagnostic))
    .join('\n')
}

/** A configuration that must be good. */
export function configure(text: string, secrets: SecretSources = NO_SECRETS): Configuration {
  const { configuration, diagnostics } = loadConfiguration(text, {
    file: 'f.ini',
    secrets,
  })
  assert.ok(configuration, diagnostics.map((diagnostic) => formatDiagnostic(diagnostic)).join('\n'))
  return configuration
}

/** A message to example.com on its first attempt, but for what is said. */
export function messageOf(rest: Partial<Message> = {}): Message {
  return { ...BLANK_MESSAGE, domain: 'example.com', size: 1000, ...rest }
}

/** An MX answer as the command line writes it. */
export function mxAnswer(text: string): MxAnswer {
  const parsed = parseMxText(text)
  assert.ok('answer' in parsed, text)
  return parsed.answer
}

/** Decides by a text, with the reasons, and counts how often DNS was asked. */
export async function decideBy(
  text: string | Configuration,
  message: Partial<Message> = {},
  mx = 'none',
  more: Partial<DecisionInput> = {},
): Promise<TracedDecision & { readonly asked: number; readonly allLines: readonly LineTrace[] }> {
  const { rules } = typeof text === 'string' ? configure(text) : text
  const answer = mxAnswer(mx)
  const question = { rules, message: messageOf(message), ...more }
  let asked = 0
  const source = {
    mx: async () => {
      asked++
      return answer
    },
  }
  const explained = await decideWithDns(explain, question, source)
  const { lines: _, linesRead: __, ...decision } = explained
  const known = { ...knowledgeOf(answer), isUsable: more.isUsable }
  assert.deepEqual(decide(rules, question.message, known), decision, 'the reasons change nothing')
  return { ...explained, asked, allLines: traceAllLines(rules, explained) }
}

/** The exchanges as `priority host:port`. */
export const hosts = (decision: Decision) =>
  decision.exchanges.map(({ priority, endpoint }) => `${priority} ${formatEndpoint(endpoint)}`)
