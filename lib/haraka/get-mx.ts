import { isIP } from 'node:net'
import type { Decision } from '../model/decision'
import type { Endpoint } from '../model/endpoint'
import { exchangeLabel, type Exchange } from '../model/exchange'
import type { Message } from '../model/message'
import type { RelayState } from '../relays/types'
import { type Located, locateAll, verdict } from '../routing/route'
import { decideWithDns } from '../routing/decide-with-dns'
import { planAttempts } from '../rules/attempts-plan'
import { decide } from '../rules/decide'
import type { Active, ActiveConfiguration } from './active-configuration'
import { answerOutcome, type Outcome } from './answer'
import type { HookAnswer } from './boundary'
import { ConnectionQueue } from './delivery/connection-queue'
import { Delivery } from './delivery/delivery'
import { deferWithoutConnection, type EndingServices } from './delivery/endings'
import { DeliveryHooks } from './delivery/hooks'
import type { OutboundItem } from './delivery/types'
import { endingServices } from './ending-services'
import { EnvelopeReader } from './envelope'
import { type Action, attemptLine, logDecision, MessageLog } from './log-line'
import { HeloName } from './helo-name'
import { MessageMemory } from './message-memory'
import { buildMxList, type HarakaMxClass, type Random, sortExchanges } from './mx-list'
import { type OwnListeners, readOwnListeners } from './own-listeners'
import { type HookRunner, serverDetails } from './server-details'
import { type HarakaPlugin, type HMailItem, type Loggable, type OutboundConfig, RETVAL } from './types'

/** haraka-net-utils, as far as it is used. */
interface NetUtils {
  readonly HarakaMx: HarakaMxClass
  is_local_host(host: string): Promise<boolean>
}

/** Haraka's `logger.js`, as far as it is used. */
interface HarakaLogger {
  readonly levels: { readonly INFO: number; readonly DEBUG: number }
  would_log(level: number): boolean
}

/** Haraka's `outbound/queue.js`, as far as it is used. */
interface DeliveryQueue {
  readonly delivery_queue: { push(hmail: OutboundItem): void }
}

export interface RouterParts {
  readonly plugin: HarakaPlugin
  readonly active: ActiveConfiguration
  readonly relays: RelayState
  /** Milliseconds that an answer may take. */
  readonly deadline: number
  readonly random?: Random
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/** Of the time for an answer, the part that the plugins of `server_details` may use. */
const DETAILS_PART = 0.4

/** A message and where it goes. */
interface RoutedMessage {
  readonly hmail: HMailItem
  readonly message: Message
  readonly decision: Decision
  readonly active: Active
}

/** An outcome, and the addresses that led to it. */
interface Result {
  readonly outcome: Outcome
  readonly located: readonly Located[]
}

/** What an outcome is in the log. */
const ACTIONS: Readonly<Record<Outcome['kind'], Action>> = {
  deliver: 'try',
  bounce: 'bounce',
  'null-mx': 'bounce',
  defer: 'defer',
  wait: 'wait',
}

/** Is it the address of a domain literal (or one that `server_details` put in the place of a name)? */
function isLiteral({ exchange }: Located): boolean {
  return exchange.origin.kind === 'dns' && isIP(exchange.endpoint.host) !== 0
}

/** From a message to the answer to `get_mx`. */
export class Router {
  readonly #parts: RouterParts
  readonly #now: () => number
  readonly #envelopes: EnvelopeReader
  readonly #memory: MessageMemory
  readonly #outbound: OutboundConfig
  readonly #runner: HookRunner
  readonly #logger: HarakaLogger
  readonly #queue: ConnectionQueue
  readonly #hooks = new DeliveryHooks()
  readonly #ownListeners: OwnListeners
  readonly #helo: HeloName
  #outboundNet: NetUtils | undefined
  /** Decisions for plain DNS, while other plugins are asked. */
  readonly #plain = new WeakMap<HMailItem, RoutedMessage>()

  constructor(parts: RouterParts) {
    const { plugin, now = Date.now } = parts
    this.#parts = parts
    this.#now = now
    this.#envelopes = new EnvelopeReader(now)
    this.#memory = new MessageMemory(this.#envelopes, now)
    this.#outbound = plugin.haraka_require('outbound/config') as OutboundConfig
    this.#runner = plugin.haraka_require('plugins') as HookRunner
    this.#logger = plugin.haraka_require('logger') as HarakaLogger
    const queue = () => plugin.haraka_require('outbound/queue') as DeliveryQueue
    this.#queue = new ConnectionQueue(parts.relays, (hmail) => queue().delivery_queue.push(hmail))
    this.#helo = new HeloName(now)
    this.#ownListeners = readOwnListeners(plugin, now)
  }

  /**
   * By the rules and `[attempts]`. CONT where neither says anything: then the other plugins that have the hook come before plain
   * DNS, wherever they stand in `config/plugins`; {@link routeByDns} follows them. Rejects only where something is broken.
   */
  async route(hmail: HMailItem): Promise<HookAnswer> {
    return this.#useConfiguration(hmail, async (active) => {
      const routed = await this.#decide(hmail, active)
      if (routed.decision.source !== 'dns') return this.#carryOut(routed)
      this.#plain.set(hmail, routed)
      return { retval: RETVAL.cont }
    })
  }

  /** What no rule and no other plugin has answered. Rejects only where something is broken; never answers CONT. */
  async routeByDns(hmail: HMailItem): Promise<HookAnswer> {
    const routed = this.#plain.get(hmail)
    this.#plain.delete(hmail)
    return this.#useConfiguration(hmail, async (active) => {
      const isCurrent = routed !== undefined && routed.active.configuration === active.configuration
      return this.#carryOut(isCurrent ? { ...routed, active } : await this.#decide(hmail, active))
    })
  }

  async #useConfiguration(
    hmail: HMailItem,
    work: (active: Active) => Promise<HookAnswer>,
  ): Promise<HookAnswer> {
    const { active } = this.#parts
    if (active.configuration !== undefined) return active.use(work)
    const reason = 'the configuration has errors, and there was none before'
    return answerOutcome(
      hmail,
      { kind: 'wait', reason },
      {
        now: this.#now,
        log: this.#logOf(hmail),
        logDecision: () => {},
        deliver: () => {},
        fail: () => false,
        defer: (inner, error, extra) => inner.call(hmail, error, extra),
      },
    )
  }

  /** Step 1: what the rules say. */
  async #decide(hmail: HMailItem, active: Active): Promise<RoutedMessage> {
    const message = this.#envelopes.read(hmail)
    return { hmail, message, decision: await this.#ask(message, active), active }
  }

  async #ask(message: Message, { configuration, resolver }: Active): Promise<Decision> {
    const { inet_prefer: prefer } = this.#outbound.cfg
    const question = { rules: configuration.rules, message, isUsable: this.#isUsable }
    return decideWithDns(decide, question, {
      mx: (domain) => resolver.mx(domain),
      addresses: (domain) => resolver.addresses(domain, prefer),
    })
  }

  readonly #isUsable = (relay: Exchange): boolean => this.#parts.relays.look(relay).usable

  async #carryOut(routed: RoutedMessage): Promise<HookAnswer> {
    const { hmail, decision } = routed
    const { outcome, located } = await this.#findOutcome(routed)
    const log = this.#logOf(hmail)
    const endings = this.#endings(routed)
    return answerOutcome(hmail, outcome, {
      now: this.#now,
      log,
      logDecision: (final) => this.#log(routed, located, final),
      deliver: ({ candidates, passedOver }) => {
        for (const { reason, exchange, level } of passedOver) {
          log[`log${level}`](`${exchangeLabel(exchange)} is passed over: ${reason}`)
        }
        const delivery = new Delivery(hmail, candidates, {
          relays: this.#parts.relays,
          now: this.#now,
          source: decision.source,
          fallbackRelays: decision.fallbackRelays ?? [],
          passedOver: passedOver.map(({ reason, exchange }) => `${exchangeLabel(exchange)}: ${reason}`),
          queue: this.#queue,
          log,
          endings,
          onEnd: (attempt) => {
            if (this.#isLogged('DEBUG')) log.logdebug(attemptLine(attempt))
          },
        })
        this.#hooks.install(hmail, delivery)
      },
      fail: (failed, reason) => this.#failRelays(failed, reason, decision.fallbackRelays ?? []),
      defer: (inner, reason, extra) => deferWithoutConnection(hmail, endings, { inner, reason, extra }),
    })
  }

  /** Step 6, after the attempt: what becomes of a message that was not delivered. */
  #endings({ hmail, message, decision }: RoutedMessage): EndingServices {
    return endingServices({
      hmail,
      message,
      decision,
      memory: this.#memory,
      decide: (next) => this.#parts.active.use((active) => this.#ask(next, active)),
      runner: this.#runner,
      log: this.#logOf(hmail),
    })
  }

  /** Steps 2 to 5: what becomes of the message. */
  async #findOutcome(routed: RoutedMessage): Promise<Result> {
    const { decision, active } = routed
    if (decision.outcome !== 'deliver') return { outcome: this.#withoutRoute(routed, decision), located: [] }
    const exchanges = await this.#askPlugins(routed)
    if (exchanges.length === 0) {
      const reason = 'plugins of server_details have dropped every exchange'
      return { outcome: { kind: 'wait', reason }, located: [] }
    }
    // Step 3: addresses.
    const { random = Math.random } = this.#parts
    const { inet_prefer: prefer } = this.#outbound.cfg
    const located = await locateAll(sortExchanges(exchanges, random), active.resolver, prefer)
    const found = verdict(decision, located)
    if (found.outcome !== 'deliver') return { outcome: this.#withoutAddress(routed, located, found), located }
    const allowed = await this.#removeLocalLiterals(routed.hmail, located)
    const { HarakaMx } = this.#netUtils()
    const isOwn = (endpoint: Endpoint) => this.#ownListeners.includes(endpoint)
    const list = buildMxList(HarakaMx, allowed, isOwn, this.#helo.get(HarakaMx))
    const failed =
      list.candidates.length > 0 ? [] : located.map(({ exchange }) => exchange).filter(isOfAttempts)
    if (failed.length === 0) return { outcome: { kind: 'deliver', ...list }, located }
    const reason = list.passedOver.map((one) => `${exchangeLabel(one.exchange)}: ${one.reason}`).join('; ')
    return { outcome: { kind: 'wait', reason, failed }, located }
  }

  /** Step 2: what other plugins change. */
  #askPlugins({ hmail, message, decision }: RoutedMessage): Promise<readonly Exchange[]> {
    return serverDetails(decision.exchanges, message, {
      runner: this.#runner,
      log: this.#logOf(hmail),
      patienceMs: this.#parts.deadline * DETAILS_PART,
    })
  }

  /**
   * Step 4: Haraka's `local_mx_ok` protects addresses that have a name (`from_dns`). The address of a domain literal has none and
   * would slip through: it is left out here, and with nothing left Haraka defers as it does for a name.
   */
  async #removeLocalLiterals(hmail: HMailItem, located: readonly Located[]): Promise<readonly Located[]> {
    if (this.#outbound.cfg.local_mx_ok || !located.some(isLiteral)) return located
    const local = await Promise.all(
      located.map(
        async (one) => isLiteral(one) && (await this.#netUtils().is_local_host(one.exchange.endpoint.host)),
      ),
    )
    return located.filter(({ exchange }, index) => {
      if (!local[index]) return true
      this.#logOf(hmail).loginfo(`${exchange.endpoint.host} is local, skipped since local_mx_ok=false`)
      return false
    })
  }

  /** Relays of `[attempts]` that have no address now have failed by themselves: no attempt of the message, and others may follow. */
  #withoutAddress(
    routed: RoutedMessage,
    located: readonly Located[],
    found: Pick<Decision, 'outcome' | 'noRoute'>,
  ): Outcome {
    const failed = located.map(({ exchange }) => exchange).filter(isOfAttempts)
    return failed.length === 0
      ? this.#withoutRoute(routed, found)
      : { kind: 'wait', reason: found.noRoute?.message ?? 'no address', failed }
  }

  #withoutRoute(routed: RoutedMessage, { outcome, noRoute }: Pick<Decision, 'outcome' | 'noRoute'>): Outcome {
    const reason = noRoute?.message ?? `no route to ${routed.decision.domain}`
    if (noRoute?.kind === 'nullmx') return { kind: 'null-mx', reason }
    if (outcome === 'bounce') return { kind: 'bounce', reason }
    // A lookup that failed must not use up the last attempt.
    const isWait = noRoute?.kind === 'dns-failure' && this.#isLastAttempt(routed)
    return { kind: isWait ? 'wait' : 'defer', reason }
  }

  /** Would `[attempts]` bounce the message next? */
  #isLastAttempt({ decision, message, active }: RoutedMessage): boolean {
    if (decision.source !== 'attempts') return false
    const { rules } = active.configuration
    const entry = rules.attemptsFor(message.domain)
    const next = { ...message, retries: message.retries + 1 }
    return entry !== undefined && planAttempts(entry, rules.rotation, next).kind === 'exhausted'
  }

  #failRelays(failed: readonly Exchange[], message: string, others: readonly Exchange[]): boolean {
    const { relays } = this.#parts
    for (const relay of failed) relays.noteFailure(relay, { kind: 'connect', message })
    return others.some((relay) => relays.look(relay).usable)
  }

  #log({ hmail, message, decision }: RoutedMessage, located: readonly Located[], outcome: Outcome): void {
    if (!this.#isLogged('INFO')) return
    const reason = outcome.kind === 'deliver' ? {} : { reason: outcome.reason }
    const action = ACTIONS[outcome.kind]
    logDecision(this.#logOf(hmail), { message, decision, located, action, ...reason })
  }

  #logOf(hmail: HMailItem): Loggable {
    return new MessageLog(this.#parts.plugin, hmail)
  }

  /** Is a line of this level written? If not, it need not be made. */
  #isLogged(level: keyof HarakaLogger['levels']): boolean {
    return this.#logger.would_log(this.#logger.levels[level])
  }

  /** Of Haraka's `outbound`, which is not loaded yet when plugins are. `haraka_require` for each message would cost 10 us. */
  #netUtils(): NetUtils {
    return (this.#outboundNet ??= (
      this.#parts.plugin.haraka_require('outbound') as { net_utils: NetUtils }
    ).net_utils)
  }
}

const isOfAttempts = ({ origin }: Exchange) => origin.kind === 'attempts'
