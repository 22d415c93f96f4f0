import { exitStatusOf } from './shared/exit-status'
import { loadConfiguration } from '../routing/configuration'
import { nodeSecretSources } from '../config/secrets'
import type { AddressAnswer } from '../model/dns-answer'
import { DnsOverridesError } from '../model/errors'
import { BLANK_MESSAGE } from '../model/message'
import type { RuleSet } from '../rules/compile'
import type { Exchange } from '../model/exchange'
import { formatJson } from './shared/json'
import type { Arguments } from './shared/parsed-arguments'
import { readOutboundSettings, requireConfiguration } from './shared/require-configuration'
import { explainMessage, listTriedExchanges, type Explanation } from '../status/explanation'
import { findConfiguration } from './shared/location'
import { openLookup } from './shared/lookup'
import { paint, type Paint } from '../status/paint'
import { recipientDomain } from '../status/recipient'
import type { Terminal } from './shared/terminal'
import { describeAddresses, describeMx, describeNoRoute } from '../status/wording'

/** A configuration without overrides and `[attempts]`, so that a decision only follows DNS. */
function makeEmptyRules(): RuleSet {
  const { configuration } = loadConfiguration('', { file: 'empty', secrets: nodeSecretSources() })
  if (configuration === undefined) {
    throw new DnsOverridesError('an empty configuration is refused', { code: 'EFAULT', temporary: false })
  }
  return configuration.rules
}

/** An exchange and its TTL in seconds: that of the MX records, or of the address of an implicit MX. */
interface TimedExchange {
  readonly exchange: Exchange
  readonly answer: AddressAnswer | undefined
  readonly ttlSeconds: number
}

function findTtls(explanation: Explanation): readonly TimedExchange[] {
  const { decision, route } = explanation
  return listTriedExchanges(explanation).map((exchange) => {
    const answer = route.located.find((one) => one.exchange === exchange)?.answer
    const of = decision.mx?.kind === 'mx' ? decision.mx : answer
    return { exchange, answer, ttlSeconds: of === undefined || of.kind === 'failed' ? 0 : of.ttlSeconds }
  })
}

function resolveJson(explanation: Explanation): Record<string, unknown> {
  const { decision, route } = explanation
  return {
    domain: decision.domain,
    outcome: route.outcome,
    exchanges: findTtls(explanation).map(({ exchange, answer, ttlSeconds }) => ({
      exchange: exchange.endpoint.host,
      priority: exchange.priority,
      ttl: ttlSeconds,
      addresses: answer?.kind === 'addresses' ? answer.addresses : [],
    })),
    ...(route.noRoute === undefined ? {} : { reason: route.noRoute.message }),
  }
}

function resolveText(explanation: Explanation, ink: Paint): string {
  const { decision, route } = explanation
  const rows = findTtls(explanation).flatMap(({ exchange, answer }) => [
    `  ${String(exchange.priority).padStart(5)}  ${ink.strong(exchange.endpoint.host)}`,
    ...(answer === undefined ? [] : [`         ${ink.faint(describeAddresses(answer))}`]),
  ])
  return [
    `MX of ${decision.domain}: ${decision.mx === undefined ? 'not asked for' : describeMx(decision.mx)}`,
    ...rows,
    ...(route.noRoute === undefined ? [] : [ink.bad(describeNoRoute(route))]),
    '',
  ].join('\n')
}

/** `dns-overrides resolve`: exit status 0 if mail could be delivered, 68 if there is no route, 75 if there is no answer now. */
export async function runResolve(args: Arguments, terminal: Terminal): Promise<number> {
  const domain = recipientDomain(args.operands[0] ?? '')
  const location = findConfiguration(args.value('config'), terminal)
  const configuration = { ...requireConfiguration(location, terminal), rules: makeEmptyRules() }
  const warn = (message: string) => terminal.err(`${message}\n`)
  const lookup = openLookup(configuration, readOutboundSettings(location), warn)
  try {
    const message = { ...BLANK_MESSAGE, domain }
    const explanation = await explainMessage(configuration, message, lookup)
    terminal.out(
      args.flag('json')
        ? formatJson(resolveJson(explanation))
        : resolveText(explanation, paint(terminal.color.out)),
    )
    return exitStatusOf(explanation.route.outcome)
  } finally {
    lookup.close()
  }
}
