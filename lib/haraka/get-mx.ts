import { isIP } from 'node:net'
import type { Decision } from '../model/decision'
import type { Exchange } from '../model/exchange'
import type { Message } from '../model/message'
import { planAttempts } from '../rules/attempts-plan'
import type { RelayState } from '../relays/types'
import { type Located, locateAll, verdict } from '../routing/route'
import { decide } from '../rules/decide'
import type { HookAnswer } from './boundary'
import { type OutboundItem, Places, waitWithoutCounting, watchDelivery } from './delivery/hooks'
import { EnvelopeReader } from './envelope'
import { arranged, type HarakaMxClass, NULL_MX, planned, type Random } from './mx-list'
import { explainFailure } from './failure-reason'
import type { InForce, Live } from './active-configuration'
import { decisionLine, type LoggedDecision } from './log-line'
import { type HookRunner, serverDetails } from './server-details'
import { type HarakaPlugin, type HMailItem, type Loggable, type OutboundConfig, RETVAL } from './types'

/** haraka-net-utils, as far as it is used. */
interface NetUtils {
  readonly HarakaMx: HarakaMxClass
  is_local_host(host: string): Promise<boolean>
}

/** Haraka's `outbound/queue.js`, as far as it is used. */
interface DeliveryQueue {
  readonly delivery_queue: { push(hmail: OutboundItem): void }
}

export interface RouterParts {
  readonly plugin: HarakaPlugin
  readonly live: Live
  readonly relays: RelayState
  /** Milliseconds that an answer may take. */
  readonly deadline: number
  readonly random?: Random
  readonly now?: () => number
}

/** Of the time for an answer, the part that the plugins of `server_details` may use. */
const DETAILS_PART = 0.4

/** A decision on its way to an answer. */
interface RoutedMessage {
  readonly hmail: HMailItem
  readonly message: Message
  readonly decision: Decision
  readonly inForce: InForce
}

/** Is it the address of a domain literal (or one that `server_details` put in the place of a name)? */
function isLiteral({ exchange }: Located): boolean {
  return exchange.origin.kind === 'dns' && isIP(exchange.endpoint.host) !== 0
}

/** From a message to the answer to `get_mx`. */
export class Router {
  readonly #parts: RouterParts
  readonly #envelopes = new EnvelopeReader()
  readonly #outbound: OutboundConfig
  readonly #runner: HookRunner
  readonly #places: Places
  /** Decisions for plain DNS, while other plugins are asked. */
  readonly #plain = new WeakMap<HMailItem, RoutedMessage>()

  constructor(parts: RouterParts) {
    this.#parts = parts
    this.#outbound = parts.plugin.haraka_require('outbound/config') as OutboundConfig
    this.#runner = parts.plugin.haraka_require('plugins') as HookRunner
    const queue = () => parts.plugin.haraka_require('outbound/queue') as DeliveryQueue
    this.#places = new Places((hmail) => queue().delivery_queue.push(hmail))
  }

  /**
   * By the rules and `[attempts]`. CONT where neither says anything: then the other plugins that have the hook come before plain
   * DNS, wherever they stand in `config/plugins`; {@link routeByDns} follows them. Rejects only where something is broken.
   */
  async route(hmail: HMailItem): Promise<HookAnswer> {
    return this.#inForce(hmail, async (inForce) => {
      const routed = await this.#decide(hmail, inForce)
      if (routed.decision.source !== 'dns') return this.#carryOut(routed)
      this.#plain.set(hmail, routed)
      return { retval: RETVAL.cont }
    })
  }

  /** What no rule and no other plugin has answered. Rejects only where something is broken; never answers CONT. */
  async routeByDns(hmail: HMailItem): Promise<HookAnswer> {
    const routed = this.#plain.get(hmail)
    this.#plain.delete(hmail)
    return this.#inForce(hmail, async (inForce) => {
      const valid = routed !== undefined && routed.inForce.configuration === inForce.configuration
      return this.#carryOut(valid ? { ...routed, inForce } : await this.#decide(hmail, inForce))
    })
  }

  async #inForce(hmail: HMailItem, work: (inForce: InForce) => Promise<HookAnswer>): Promise<HookAnswer> {
    const { live } = this.#parts
    if (live.configuration !== undefined) return live.use(work)
    const reason = 'the configuration has errors, and there was none before'
    return { retval: RETVAL.denysoft, message: reason, commit: () => this.#wait(hmail, reason) }
  }

  async #decide(hmail: HMailItem, inForce: InForce): Promise<RoutedMessage> {
    const message = this.#envelopes.read(hmail)
    const decision = await decide(inForce.configuration.rules, message, {
      mx: async (domain) => inForce.resolver.mx(domain),
      addresses: async (host) => inForce.resolver.addresses(host, this.#outbound.cfg.inet_prefer),
      usable: (relay) => this.#parts.relays.look(relay).usable,
    })
    return { hmail, message, decision, inForce }
  }

  async #carryOut(routed: RoutedMessage): Promise<HookAnswer> {
    const { decision } = routed
    return decision.outcome === 'deliver' ? this.#deliver(routed) : this.#refuse(routed, decision, [])
  }

  async #deliver(routed: RoutedMessage): Promise<HookAnswer> {
    const { hmail, message, decision, inForce } = routed
    const { random = Math.random } = this.#parts
    const kept = await serverDetails(decision.exchanges, message, {
      runner: this.#runner,
      log: this.#logOf(hmail),
      patience: this.#parts.deadline * DETAILS_PART,
    })
    if (kept.length === 0) {
      const reason = 'plugins of server_details have dropped every exchange'
      return {
        retval: RETVAL.denysoft,
        message: reason,
        commit: () => {
          this.#log(routed, { located: [], outcome: 'wait', reason })
          this.#wait(hmail, reason)
        },
      }
    }
    const { inet_prefer: prefer } = this.#outbound.cfg
    const located = await locateAll(arranged(kept, random), inForce.resolver, prefer)
    const found = verdict(decision, located)
    if (found.outcome === 'deliver') return this.#accept(routed, located)
    const relays = located.flatMap(({ exchange }) => (exchange.origin.kind === 'attempts' ? [exchange] : []))
    return relays.length === 0
      ? this.#refuse(routed, found, located)
      : this.#withoutAddress(routed, located, relays, found.noRoute?.message ?? 'no address')
  }

  /** Relays of `[attempts]` that have no address now have failed by themselves: no attempt of the message, and others may follow. */
  #withoutAddress(
    routed: RoutedMessage,
    located: readonly Located[],
    failed: readonly Exchange[],
    reason: string,
  ): HookAnswer {
    const { relays } = this.#parts
    return {
      retval: RETVAL.denysoft,
      message: reason,
      commit: () => {
        this.#log(routed, { located, outcome: 'wait', reason })
        for (const relay of failed) relays.noteFailure(relay, { kind: 'connect', message: reason })
        const another = routed.decision.fallbackRelays?.some((relay) => relays.look(relay).usable)
        this.#wait(routed.hmail, reason, another === true ? 0 : undefined)
      },
    }
  }

  async #accept(routed: RoutedMessage, located: readonly Located[]): Promise<HookAnswer> {
    const { hmail, decision } = routed
    const allowed = await this.#withoutLocalLiterals(hmail, located)
    const list = planned(this.#netUtils().HarakaMx, allowed)
    const { relays, now = Date.now } = this.#parts
    return {
      retval: RETVAL.ok,
      message: list.map(({ mx }) => mx),
      commit: () => {
        this.#log(routed, { located, outcome: 'deliver' })
        watchDelivery(hmail, list, {
          relays,
          now,
          source: decision.source,
          fallbackRelays: decision.fallbackRelays ?? [],
          places: this.#places,
        })
      },
    }
  }

  /**
   * Haraka's `local_mx_ok` protects addresses that have a name (`from_dns`). The address of a domain literal has none and would
   * slip through: it is left out here, and with nothing left Haraka defers as it does for a name.
   */
  async #withoutLocalLiterals(hmail: HMailItem, located: readonly Located[]): Promise<readonly Located[]> {
    if (this.#outbound.cfg.local_mx_ok) return located
    if (!located.some(isLiteral)) return located
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

  #refuse(
    routed: RoutedMessage,
    { outcome, noRoute }: Pick<Decision, 'outcome' | 'noRoute'>,
    located: readonly Located[],
  ): HookAnswer {
    const { hmail, decision } = routed
    const reason = noRoute?.message ?? `no route to ${decision.domain}`
    const log = () => this.#log(routed, { located, outcome, reason })
    if (noRoute?.kind === 'nullmx') return { retval: RETVAL.ok, message: NULL_MX, commit: log }
    if (noRoute?.kind === 'dns-failure' && this.#isLastAttempt(routed)) {
      const commit = () => {
        this.#log(routed, { located, outcome: 'wait', reason })
        this.#wait(hmail, reason)
      }
      return { retval: RETVAL.denysoft, message: reason, commit }
    }
    const how = outcome === 'bounce' ? 'bounce' : 'temp_fail'
    return {
      retval: outcome === 'bounce' ? RETVAL.deny : RETVAL.denysoft,
      message: reason,
      commit: () => {
        log()
        explainFailure(hmail, how, reason)
      },
    }
  }

  /** Would `[attempts]` bounce the message next? A lookup that failed is no attempt that may bring that about. */
  #isLastAttempt({ decision, message, inForce }: RoutedMessage): boolean {
    if (decision.source !== 'attempts') return false
    const { rules } = inForce.configuration
    const entry = rules.attemptsFor(message.domain)
    const next = { rotationOffset: message.rotationOffset, retries: message.retries + 1 }
    return entry !== undefined && planAttempts(entry, rules.relays, next).kind === 'exhausted'
  }

  #wait(hmail: HMailItem, reason: string, seconds?: number): void {
    waitWithoutCounting(hmail, reason, this.#parts.now ?? Date.now, seconds)
  }

  #log(
    { hmail, message, decision }: RoutedMessage,
    told: Pick<LoggedDecision, 'located' | 'outcome' | 'reason'>,
  ): void {
    const id = hmail.todo.uuid ?? '-'
    this.#logOf(hmail).loginfo(decisionLine({ id, retries: message.retries, decision, ...told }))
  }

  /** Lines that carry the message's id and this plugin's name. */
  #logOf(hmail: HMailItem): Loggable {
    const { plugin } = this.#parts
    return {
      logdebug: (...parameters) => hmail.logdebug(plugin, ...parameters),
      loginfo: (...parameters) => hmail.loginfo(plugin, ...parameters),
      lognotice: (...parameters) => hmail.lognotice(plugin, ...parameters),
      logwarn: (...parameters) => hmail.logwarn(plugin, ...parameters),
      logerror: (...parameters) => hmail.logerror(plugin, ...parameters),
      logcrit: (...parameters) => hmail.logcrit(plugin, ...parameters),
    }
  }

  #netUtils(): NetUtils {
    return (this.#parts.plugin.haraka_require('outbound') as { net_utils: NetUtils }).net_utils
  }
}
