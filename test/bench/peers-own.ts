/** Our decision as one of the programs of `peers.bench.ts`: domains on standard input; the server of each that has a line comes out. */
import { readFileSync } from 'node:fs'
import { decide } from '../../lib/rules/decide'
import type { RuleSet } from '../../lib/rules/compile'
import { normalizeDomain } from '../../lib/rules/domain-pattern'
import { BLANK_MESSAGE, type Message } from '../../lib/model/message'
import { configure } from '../support/rules'
import type { Command } from './command-cost'
import type { Table } from './peers-table'

/** The table as our file has it. */
export const ownFile = ({ lines }: Table): string =>
  lines.map(({ domain, isWildcard, server }) => `${isWildcard ? '*.' : ''}${domain} ${server}`).join('\n')

export const ownCommand = (file: string): Command => ({ argv: [process.execPath, __filename, file] })

/** Gives the server that a line sends mail for a domain to, by the steps that `get_mx` takes; undefined if no line matches. */
export function serverFinder(rules: RuleSet): (domain: string) => string | undefined {
  // One for all: to copy a message with `...` costs more than the decision.
  const message: Message & { domain: string } = { ...BLANK_MESSAGE, domain: '' }
  return (domain) => {
    message.domain = normalizeDomain(domain) ?? domain
    const decision = decide(rules, message, {})
    return typeof decision === 'string' ? undefined : decision.exchanges[0]?.endpoint.host
  }
}

function answerInput(rules: RuleSet): void {
  const serverFor = serverFinder(rules)
  let rest = ''
  process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
    const domains = (rest + chunk).split('\n')
    rest = domains.pop() ?? ''
    let answers = ''
    for (const domain of domains) {
      const server = serverFor(domain)
      if (server !== undefined) answers += `${domain}\t${server}\n`
    }
    process.stdout.write(answers)
  })
}

if (require.main === module) answerInput(configure(readFileSync(process.argv[2]!, 'utf8')).rules)
