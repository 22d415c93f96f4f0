import { isIP } from 'node:net'
import type { Decision } from '../model/decision'
import type { Endpoint } from '../model/endpoint'
import { exchangeLabel, type Exchange } from '../model/exchange'
import type { Message } from '../model/message'
import type { RelayState } from '../relays/types'
import type { TokenStore } from '../oauth/token-store'
import { type Located, locateAll, verdict } from '../routing/route'
import { planAttempts } from '../rules/attempts-plan'
import type { RecipientGroup } from '../rules/recipient-groups'
import type { AttemptSlot } from '../status/attempt-ring'
import type { Recorder } from '../status/recorder'
import type { Active, ActiveConfiguration } from './active-configuration'
import { answerOutcome, type GetMxOutcome } from './answer'
import type { HookAnswer } from './boundary'
import { recordDecision } from './decision-record'
import { ConnectionQueue } from './delivery/connection-queue'
import { AttemptRunner } from './delivery/attempt-runner'
import { deferWithoutConnection, type AftermathServices } from './delivery/aftermath'
import { recordEnd } from './delivery/attempt-record'
import { DeliveryHooks } from './delivery/hooks'
import type { UncountedWait } from './delivery/requeue'
import { WaitList } from './delivery/wait-list'
import { createAftermathServices } from './aftermath-services'
import { MessageReader } from './envelope'
import { attemptLine, MessageLog } from './log-line'
import { HarakaModules } from './haraka-modules'
import { OwnHelo } from './own-helo'
import { MessageMemory } from './message-memory'
import { buildMxList, type Random, sortExchanges } from './mx-list'
import { OwnListeners } from './own-listeners'
import { RuleQuestions } from './rule-questions'
import { serverDetails } from './server-details'
import { answerWithSplit } from './split/message-split'
import { type HarakaPlugin, type Loggable, RETVAL } from '../haraka-objects/plugin'
import type { HMailItem } from '../haraka-objects/outbound'

export interface GetMxParts {
  readonly plugin: HarakaPlugin
  readonly active: ActiveConfiguration
  /** Where this server takes mail: no mail is sent there. */
  readonly listens: readonly Endpoint[]
  readonly relays: RelayState
  readonly recorder: Recorder
  readonly tokens: TokenStore
  /** Milliseconds that an answer may take. */
  readonly deadlineMs: number
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
  /** Of several groups each must go in a message of its own; the decision is that of the first. */
  readonly groups: readonly RecipientGroup[]
  readonly decision: Decision
  readonly active: Active
  /** Since when this plugin works on it, on the clock of `performance.now()`: other plugins' time is left out. */
  readonly startedAt: number
}

/** An outcome, and the addresses that led to it. */
interface Result {
  readonly outcome: GetMxOutcome
  readonly located: readonly Located[]
}

/** Is it the address of a domain literal (or one that `server_details` put in the place of a name)? */
function goesToLiteral({ exchange }: Located): boolean {
  return exchange.origin.kind === 'dns' && isIP(exchange.endpoint.host) !== 0
}

/** From a message to the answer to `get_mx`. */
export class GetMx {
  readonly #parts: GetMxParts
  readonly #now: () => number
  readonly #messages: MessageReader
  readonly #memory: MessageMemory
  readonly #haraka: HarakaModules
  readonly #questions: RuleQuestions
  readonly #queue: ConnectionQueue
  readonly #waits: WaitList
  readonly #hooks = new DeliveryHooks()
  readonly #ownListeners: OwnListeners
  readonly #helo: OwnHelo
  /** Decisions for plain DNS, while other plugins are asked. */
  readonly #plain = new WeakMap<HMailItem, RoutedMessage>()

  constructor(parts: GetMxParts) {
    const { plugin, now = Date.now } = parts
    this.#parts = parts
    this.#now = now
    this.#messages = new MessageReader(now)
    this.#memory = new MessageMemory(this.#messages, now)
    this.#haraka = new HarakaModules(plugin)
    this.#questions = new RuleQuestions(parts.relays, this.#haraka)
    this.#queue = new ConnectionQueue(parts.relays, (hmail) => this.#haraka.push(hmail))
    this.#waits = new WaitList(parts.relays)
    parts.relays.onHoldsChange(() => this.#waits.noteHolds())
    this.#helo = new OwnHelo(now)
    this.#ownListeners = new OwnListeners({ listens: parts.listens, now })
  }

  /**
   * By the rules and `[attempts]`. CONT where neither says anything: then the other plugins that have the hook come before plain
   * DNS, wherever they stand in `config/plugins`; {@link routeByDns} follows them. Rejects only where something is broken.
   */
  async route(hmail: HMailItem): Promise<HookAnswer> {
    return this.#useConfiguration(hmail, async (active) => {
      const routed = await this.#decide(hmail, active)
      if (routed.decision.source !== 'dns' || routed.groups.length > 1) return this.#carryOut(routed)
      // The clock stops while other plugins are asked.
      this.#plain.set(hmail, { ...routed, startedAt: routed.startedAt - performance.now() })
      return { retval: RETVAL.cont }
    })
  }

  /** What no rule and no other plugin has answered. Rejects only where something is broken; never answers CONT. */
  async routeByDns(hmail: HMailItem): Promise<HookAnswer> {
    const routed = this.#plain.get(hmail)
    this.#plain.delete(hmail)
    return this.#useConfiguration(hmail, async (active) => {
      const isCurrent = routed !== undefined && routed.active.configuration === active.configuration
      if (!isCurrent) return this.#carryOut(await this.#decide(hmail, active))
      return this.#carryOut({ ...routed, active, startedAt: routed.startedAt + performance.now() })
    })
  }

  /** There is another configuration: messages that wait without an attempt being counted are routed anew, soon. */
  reroute(): void {
    this.#waits.reroute()
  }

  async #useConfiguration(
    hmail: HMailItem,
    work: (active: Active) => Promise<HookAnswer>,
  ): Promise<HookAnswer> {
    const { active, recorder } = this.#parts
    recorder.endWait(hmail)
    this.#waits.remove(hmail)
    if (active.configuration !== undefined) return active.use(work)
    const reason = 'the configuration has errors, and there was none before'
    return answerOutcome(
      hmail,
      { kind: 'wait', why: 'configuration', reason },
      {
        now: this.#now,
        onWait: this.#noteWait(hmail),
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
    const startedAt = performance.now()
    const message = this.#messages.read(hmail)
    const found = this.#questions.group(message, active)
    const groups = found instanceof Promise ? await found : found
    const decision = await this.#questions.decide(message, active)
    return { hmail, message, groups, decision, active, startedAt }
  }

  async #carryOut(routed: RoutedMessage): Promise<HookAnswer> {
    const { hmail, decision } = routed
    if (routed.groups.length > 1) return this.#split(routed)
    const { outcome, located } = await this.#findOutcome(routed)
    const log = this.#logOf(hmail)
    const aftermath = this.#aftermath(routed)
    const onWait = this.#noteWait(hmail)
    let slot: AttemptSlot | undefined
    return answerOutcome(hmail, outcome, {
      now: this.#now,
      log,
      onWait,
      logDecision: (final) => {
        const { rules } = routed.active.configuration
        const { recorder } = this.#parts
        const written = this.#haraka.isLogged('INFO') ? log : undefined
        slot = recordDecision({ ...routed, rules, located, outcome: final }, recorder, written)
      },
      deliver: ({ candidates, passedOver }) => {
        for (const { reason, exchange, level } of passedOver) {
          log[`log${level}`](`${exchangeLabel(exchange)} is passed over: ${reason}`)
        }
        const attempt = new AttemptRunner(hmail, candidates, {
          relays: this.#parts.relays,
          tokens: this.#parts.tokens,
          now: this.#now,
          source: decision.source,
          fallbackRelays: decision.fallbackRelays ?? [],
          passedOver: passedOver.map(({ reason, exchange }) => `${exchangeLabel(exchange)}: ${reason}`),
          queue: this.#queue,
          waits: this.#waits,
          log,
          aftermath,
          onWait,
          onEnd: (ended) => {
            if (this.#haraka.isLogged('DEBUG')) log.logdebug(attemptLine(ended))
            if (slot !== undefined) recordEnd(this.#parts.recorder, slot, ended, this.#now())
          },
        })
        this.#hooks.install(hmail, attempt)
      },
      fail: (failed, reason) => this.#failRelays(failed, reason, decision.fallbackRelays ?? []),
      defer: (inner, reason, extra) => deferWithoutConnection(hmail, aftermath, { inner, reason, extra }),
    })
  }

  /** In place of all that follows: each group of recipients goes through it in a message of its own. */
  #split({ hmail, groups }: RoutedMessage): HookAnswer {
    const onWait = this.#noteWait(hmail)
    return answerWithSplit(hmail, groups, {
      haraka: this.#haraka,
      notes: () => this.#messages.notesForFile(hmail),
      onWait: (seconds) => onWait({ why: 'disk', seconds, held: [] }),
      log: this.#logOf(hmail),
    })
  }

  /** Step 6, after the attempt: what becomes of a message that was not delivered. */
  #aftermath({ hmail, message, decision }: RoutedMessage): AftermathServices {
    return createAftermathServices({
      onRescue: (lines) => this.#parts.recorder.recordRescue(lines),
      hmail,
      message,
      decision,
      memory: this.#memory,
      decide: (next) => this.#parts.active.use(async (active) => this.#questions.decide(next, active)),
      runner: this.#haraka.runner,
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
      return { outcome: { kind: 'wait', why: 'plugins', reason }, located: [] }
    }
    // Step 3: addresses.
    const { random = Math.random } = this.#parts
    const { inet_prefer: prefer } = this.#haraka.outbound
    const located = await locateAll(sortExchanges(exchanges, random), active.resolver, prefer)
    const found = verdict(decision, located)
    if (found.outcome !== 'deliver') return { outcome: this.#withoutAddress(routed, located, found), located }
    const allowed = await this.#removeLocalLiterals(routed.hmail, located)
    const { HarakaMx } = this.#haraka.netUtils
    const isOwn = (endpoint: Endpoint) => this.#ownListeners.includes(endpoint)
    const list = buildMxList(HarakaMx, allowed, isOwn, this.#helo.get(HarakaMx))
    const failed =
      list.candidates.length > 0 ? [] : located.map(({ exchange }) => exchange).filter(isOfAttempts)
    if (failed.length === 0) return { outcome: { kind: 'deliver', ...list }, located }
    const reason = list.passedOver.map((one) => `${exchangeLabel(one.exchange)}: ${one.reason}`).join('; ')
    return { outcome: { kind: 'wait', why: 'relay', reason, failed }, located }
  }

  /** Step 2: what other plugins change. */
  #askPlugins({ hmail, message, decision }: RoutedMessage): Promise<readonly Exchange[]> {
    return serverDetails(decision.exchanges, message, {
      runner: this.#haraka.runner,
      log: this.#logOf(hmail),
      patienceMs: this.#parts.deadlineMs * DETAILS_PART,
    })
  }

  /**
   * Step 4: Haraka's `local_mx_ok` protects addresses that have a name (`from_dns`). The address of a domain literal has none and
   * would slip through: it is left out here, and with nothing left Haraka defers as it does for a name.
   */
  async #removeLocalLiterals(hmail: HMailItem, located: readonly Located[]): Promise<readonly Located[]> {
    if (this.#haraka.outbound.local_mx_ok || !located.some(goesToLiteral)) return located
    const local = await Promise.all(
      located.map(
        async (one) =>
          goesToLiteral(one) && (await this.#haraka.netUtils.is_local_host(one.exchange.endpoint.host)),
      ),
    )
    return located.filter(({ exchange }, index) => {
      if (!local[index]) return true
      this.#logOf(hmail).loginfo(`${exchange.endpoint.host} is local, skipped since local_mx_ok=false`)
      return false
    })
  }

  /** Relays of `[attempts]` without an address have failed: this is not an attempt of the message, and others may follow. */
  #withoutAddress(
    routed: RoutedMessage,
    located: readonly Located[],
    found: Pick<Decision, 'outcome' | 'noRoute'>,
  ): GetMxOutcome {
    const failed = located.map(({ exchange }) => exchange).filter(isOfAttempts)
    return failed.length === 0
      ? this.#withoutRoute(routed, found)
      : { kind: 'wait', why: 'relay', reason: found.noRoute?.message ?? 'no address', failed }
  }

  #withoutRoute(
    routed: RoutedMessage,
    { outcome, noRoute }: Pick<Decision, 'outcome' | 'noRoute'>,
  ): GetMxOutcome {
    const reason = noRoute?.message ?? `no route to ${routed.decision.domain}`
    if (noRoute?.kind === 'nullmx') return { kind: 'null-mx', reason }
    if (outcome === 'bounce') return { kind: 'bounce', reason }
    // A lookup that failed must not use up the last attempt.
    const isWait = noRoute?.kind === 'dns-failure' && this.#isLastAttempt(routed)
    return isWait ? { kind: 'wait', why: 'dns', reason } : { kind: 'defer', reason }
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
    for (const relay of failed) relays.noteFailure(relay, { stage: 'connect', message })
    return others.some((relay) => relays.look(relay).usable)
  }

  /** The message waits, in Haraka's own queue unless delivery says otherwise. */
  #noteWait(hmail: HMailItem): (wait: UncountedWait) => void {
    return ({ why, seconds, held }) => {
      this.#parts.recorder.recordWait(hmail, why, this.#now() + seconds * 1000)
      this.#waits.add(hmail, { held, release: () => this.#haraka.sendNow(hmail) })
    }
  }

  #logOf(hmail: HMailItem): Loggable {
    return new MessageLog(this.#parts.plugin, hmail)
  }
}

const isOfAttempts = ({ origin }: Exchange) => origin.kind === 'attempts'
