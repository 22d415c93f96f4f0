import { isIP } from 'node:net'
import type { HMailItem } from '../haraka-objects/outbound'
import type { Loggable } from '../haraka-objects/plugin'
import type { Decision } from '../model/decision'
import type { Endpoint } from '../model/endpoint'
import { exchangeLabel, type Exchange } from '../model/exchange'
import { whenKnown } from '../model/known'
import type { Message } from '../model/message'
import { type Located, locateAll, concludeRoute } from '../routing/route'
import { planAttempts } from '../rules/attempts-plan'
import type { Basis } from './active-configuration'
import type { GetMxOutcome } from './answer'
import type { HarakaModules } from './haraka-modules'
import { buildMxList, type Random, sortExchanges } from './mx-list'
import { OwnHelo } from './own-helo'
import { OwnListeners } from './own-listeners'
import { serverDetails } from './server-details'

/** A message, and what the rules say of it. */
export interface DecidedMessage {
  readonly hmail: HMailItem
  readonly message: Message
  readonly decision: Decision
  readonly basis: Basis
}

/** An outcome, and the addresses that led to it. */
export interface FoundOutcome {
  readonly outcome: GetMxOutcome
  readonly located: readonly Located[]
}

export interface OutcomeFinderParts {
  readonly haraka: HarakaModules
  /** Where this server takes mail: no mail is sent there. */
  readonly listens: readonly Endpoint[]
  readonly random: Random
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds that the plugins of `server_details` may take. */
  readonly patienceMs: number
  /** For lines about a message. */
  readonly logOf: (hmail: HMailItem) => Loggable
}

/** From the decision of the rules to the outcome of `get_mx`: steps 3 to 5 of {@link GetMx}. */
export class OutcomeFinder {
  readonly #parts: OutcomeFinderParts
  readonly #ownListeners: OwnListeners
  readonly #helo: OwnHelo

  constructor(parts: OutcomeFinderParts) {
    const { listens, now } = parts
    this.#parts = parts
    this.#ownListeners = new OwnListeners({ listens, now })
    this.#helo = new OwnHelo(now)
  }

  /** Throws or rejects only where something is broken. */
  find(decided: DecidedMessage): FoundOutcome | Promise<FoundOutcome> {
    const { decision } = decided
    if (decision.outcome !== 'deliver') return { outcome: withoutRoute(decided, decision), located: [] }
    return whenKnown(this.#askPlugins(decided), (exchanges) =>
      whenKnown(this.#locate(decided, exchanges), (located) => this.#conclude(decided, located)),
    )
  }

  /** Step 3: what other plugins change. */
  #askPlugins({
    hmail,
    message,
    decision,
  }: DecidedMessage): readonly Exchange[] | Promise<readonly Exchange[]> {
    const { haraka, patienceMs, logOf } = this.#parts
    return serverDetails(decision.exchanges, message, {
      runner: haraka.runner,
      log: logOf(hmail),
      patienceMs,
    })
  }

  /** Step 4: addresses. */
  #locate(
    { basis }: DecidedMessage,
    exchanges: readonly Exchange[],
  ): readonly Located[] | Promise<readonly Located[]> {
    const { haraka, random } = this.#parts
    return locateAll(sortExchanges(exchanges, random), basis.resolver, haraka.outbound.inet_prefer)
  }

  #conclude(decided: DecidedMessage, located: readonly Located[]): FoundOutcome | Promise<FoundOutcome> {
    if (located.length === 0) {
      const reason = 'plugins of server_details have dropped every exchange'
      return { outcome: { kind: 'wait', why: 'plugins', reason }, located }
    }
    const found = concludeRoute(decided.decision, located)
    if (found.outcome !== 'deliver') return { outcome: withoutAddress(decided, located, found), located }
    const { haraka } = this.#parts
    const mayBeLocal = !haraka.outbound.local_mx_ok && located.some(goesToLiteral)
    const allowed = mayBeLocal ? this.#removeLocalLiterals(decided.hmail, located) : located
    return whenKnown(allowed, (left) => ({ outcome: this.#listAddresses(left, located), located }))
  }

  /**
   * Step 5: the addresses that may be used.
   *
   * @param allowed of `located`, the exchanges that may be used
   */
  #listAddresses(allowed: readonly Located[], located: readonly Located[]): GetMxOutcome {
    const { HarakaMx } = this.#parts.haraka.netUtils
    const isOwn = (endpoint: Endpoint) => this.#ownListeners.includes(endpoint)
    const { candidates, passedOver } = buildMxList(HarakaMx, allowed, isOwn, this.#helo.get(HarakaMx))
    const failedRelays = candidates.length > 0 ? [] : relaysOfAttempts(located)
    if (failedRelays.length === 0) return { kind: 'deliver', candidates, passedOver }
    const reason = passedOver.map((one) => `${exchangeLabel(one.exchange)}: ${one.reason}`).join('; ')
    return { kind: 'wait', why: 'relay', reason, failedRelays }
  }

  /**
   * Haraka's `local_mx_ok` protects addresses that have a name (`from_dns`). The address of a domain literal has none and would slip
   * through: it is left out here, and with nothing left Haraka defers as it does for a name.
   */
  async #removeLocalLiterals(hmail: HMailItem, located: readonly Located[]): Promise<readonly Located[]> {
    const { haraka, logOf } = this.#parts
    const local = await Promise.all(
      located.map(
        async (one) =>
          goesToLiteral(one) && (await haraka.netUtils.is_local_host(one.exchange.endpoint.host)),
      ),
    )
    return located.filter(({ exchange }, index) => {
      if (!local[index]) return true
      logOf(hmail).loginfo(`${exchange.endpoint.host} is local, skipped since local_mx_ok=false`)
      return false
    })
  }
}

/** Is it the address of a domain literal (or one that `server_details` put in place of a name)? */
function goesToLiteral({ exchange }: Located): boolean {
  return exchange.origin.kind === 'dns' && isIP(exchange.endpoint.host) !== 0
}

const relaysOfAttempts = (located: readonly Located[]): readonly Exchange[] =>
  located.map(({ exchange }) => exchange).filter(({ origin }) => origin.kind === 'attempts')

/** Relays of `[attempts]` without an address have failed: this is not an attempt of the message, and others may follow. */
function withoutAddress(
  decided: DecidedMessage,
  located: readonly Located[],
  found: Pick<Decision, 'outcome' | 'noRoute'>,
): GetMxOutcome {
  const failedRelays = relaysOfAttempts(located)
  return failedRelays.length === 0
    ? withoutRoute(decided, found)
    : { kind: 'wait', why: 'relay', reason: found.noRoute?.message ?? 'no address', failedRelays }
}

function withoutRoute(
  decided: DecidedMessage,
  { outcome, noRoute }: Pick<Decision, 'outcome' | 'noRoute'>,
): GetMxOutcome {
  const reason = noRoute?.message ?? `no route to ${decided.decision.domain}`
  if (noRoute?.kind === 'nullmx') return { kind: 'null-mx', reason }
  if (outcome === 'bounce') return { kind: 'bounce', reason }
  // A lookup that failed must not use up the last attempt.
  const isWait = noRoute?.kind === 'dns-failure' && isLastAttempt(decided)
  return isWait ? { kind: 'wait', why: 'dns', reason } : { kind: 'defer', reason }
}

/** Would `[attempts]` bounce the message next? */
function isLastAttempt({ decision, message, basis }: DecidedMessage): boolean {
  if (decision.source !== 'attempts') return false
  const { rules } = basis.configuration
  const entry = rules.attemptsFor(message.domain)
  const next = { ...message, retries: message.retries + 1 }
  return entry !== undefined && planAttempts(entry, rules.rotation, next).kind === 'exhausted'
}
