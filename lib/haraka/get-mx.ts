import type { Endpoint } from '../model/endpoint'
import type { Exchange } from '../model/exchange'
import { whenKnown } from '../model/known'
import { sectionKey } from '../relays/section'
import type { RelayState } from '../relays/types'
import type { TokenStore } from '../oauth/token-store'
import type { RecipientGroup } from '../rules/recipient-groups'
import type { DecisionSlot } from '../status/decision-ring'
import type { Recorder } from '../status/recorder'
import type { ActiveConfiguration, Basis } from './active-configuration'
import { answerOutcome } from './answer'
import type { HookAnswer } from './boundary'
import { AnsweredMessage, type AnsweringParts } from './answered-message'
import type { TimedMessage } from './decision-record'
import { DeliveryQueue } from './delivery/delivery-queue'
import type { AftermathServices } from './delivery/aftermath'
import { DeliveryHooks } from './delivery/hooks'
import type { UncountedWait } from './delivery/requeue'
import { WaitList } from './delivery/wait-list'
import { createAftermathServices } from './aftermath-services'
import { MessageReader } from './envelope'
import { type FoundOutcome, OutcomeFinder } from './find-outcome'
import { MessageLog } from './log-line'
import { HarakaModules } from './haraka-modules'
import { MessageMemory } from './message-memory'
import type { Random } from './mx-list'
import { QueueFiles } from './queue-files'
import { RuleQuestions } from './rule-questions'
import { answerWithDivision } from './division/message-division'
import { replaceNextCall } from '../haraka-objects/patch'
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

/** A message that is worked on. */
interface RoutedMessage extends TimedMessage {
  /** Of several groups each must go in a message of its own; the decision is that of the first. */
  readonly groups: readonly RecipientGroup[]
}

/** A message while other plugins are asked. */
interface PausedMessage {
  readonly routed: RoutedMessage
  /** How long this plugin has worked on it. */
  readonly workedMs: number
}

/**
 * From a message to the answer to `get_mx`:
 *
 * 1. The rules and `[attempts]` decide.
 * 2. A message whose recipients go different ways is divided; each part begins again with step 1.
 * 3. Plugins of `server_details` may change the servers.
 * 4. The addresses of the servers are looked up.
 * 5. Addresses that must not be used are left out.
 * 6. Haraka gets its answer, and the attempt is watched.
 * 7. After an attempt that failed, it is found out what becomes of the message.
 *
 * Steps 3 to 5 are those of {@link OutcomeFinder}.
 */
export class GetMx {
  readonly #parts: GetMxParts
  readonly #now: () => number
  readonly #messages: MessageReader
  readonly #memory: MessageMemory
  readonly #haraka: HarakaModules
  readonly #questions: RuleQuestions
  readonly #queue: DeliveryQueue
  readonly #waits: WaitList
  readonly #hooks = new DeliveryHooks()
  readonly #files = new QueueFiles((hmail) => this.#waits.has(hmail))
  readonly #outcomes: OutcomeFinder
  readonly #answering: AnsweringParts
  /** Messages for plain DNS. */
  readonly #paused = new WeakMap<HMailItem, PausedMessage>()

  constructor(parts: GetMxParts) {
    const { plugin, now = Date.now } = parts
    this.#parts = parts
    this.#now = now
    this.#messages = new MessageReader(now)
    this.#memory = new MessageMemory(this.#messages, now)
    this.#haraka = new HarakaModules(plugin)
    this.#questions = new RuleQuestions(parts.relays, this.#haraka)
    this.#queue = new DeliveryQueue(parts.relays, (hmail) => this.#haraka.push(hmail))
    this.#waits = new WaitList(parts.relays)
    parts.relays.onComeback(() => this.#waits.noteComeback())
    this.#outcomes = new OutcomeFinder({
      haraka: this.#haraka,
      listens: parts.listens,
      random: parts.random ?? Math.random,
      now,
      patienceMs: parts.deadlineMs * DETAILS_PART,
      logOf: (hmail) => this.#logOf(hmail),
    })
    this.#answering = {
      relays: parts.relays,
      tokens: parts.tokens,
      recorder: parts.recorder,
      now,
      haraka: this.#haraka,
      hooks: this.#hooks,
      queue: this.#queue,
      waits: this.#waits,
      logOf: (hmail) => this.#logOf(hmail),
      makeAftermath: (message) => this.#makeAftermath(message),
      fail: (failed, reason, others) => this.#failRelays(failed, reason, others),
      noteWait: (hmail, wait, slot) => this.#noteWait(hmail, wait, slot),
    }
  }

  /**
   * By the rules and `[attempts]`. CONT where neither says anything: then the other plugins that have the hook come before plain
   * DNS, wherever they stand in `config/plugins`; {@link routeByDns} follows them. Throws or rejects only where something is broken.
   */
  route(hmail: HMailItem): HookAnswer | Promise<HookAnswer> {
    const other = this.#files.findOther(hmail)
    if (other !== undefined) return this.#drop(hmail, other)
    this.#files.use(hmail)
    return this.#useConfiguration(hmail, (basis) =>
      whenKnown(this.#decide(hmail, basis), (routed) => {
        if (routed.decision.source !== 'dns' || routed.groups.length > 1) return this.#carryOut(routed)
        this.#paused.set(hmail, { routed, workedMs: performance.now() - routed.startedAt })
        return { retval: RETVAL.cont }
      }),
    )
  }

  /** What no rule and no other plugin has answered. Throws or rejects only where something is broken; never answers CONT. */
  routeByDns(hmail: HMailItem): HookAnswer | Promise<HookAnswer> {
    const paused = this.#paused.get(hmail)
    this.#paused.delete(hmail)
    return this.#useConfiguration(hmail, (basis) => {
      const isCurrent = paused?.routed.basis.configuration === basis.configuration
      if (!isCurrent) return whenKnown(this.#decide(hmail, basis), (routed) => this.#carryOut(routed))
      const { message, groups, decision } = paused.routed
      const startedAt = performance.now() - paused.workedMs
      return this.#carryOut({ hmail, message, groups, decision, basis, startedAt })
    })
  }

  /** The message is being sent, or waits, as another item: that one goes on, and this one ends without a trace. */
  #drop(hmail: HMailItem, other: HMailItem): HookAnswer {
    const reason = 'Haraka has read its queue file a second time; the message is sent once'
    this.#logOf(hmail).lognotice(reason)
    this.#waits.release(other)
    const commit = () => replaceNextCall(hmail, 'temp_fail', () => hmail.next_cb())
    return { retval: RETVAL.denysoft, message: reason, commit }
  }

  /** There is another configuration: messages that wait without an attempt being counted are routed anew, soon. */
  reroute(): void {
    this.#waits.reroute()
  }

  #useConfiguration(
    hmail: HMailItem,
    work: (basis: Basis) => HookAnswer | Promise<HookAnswer>,
  ): HookAnswer | Promise<HookAnswer> {
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
        onWait: (wait) => this.#noteWait(hmail, wait, undefined),
        log: this.#logOf(hmail),
        logDecision: () => {},
        deliver: () => {},
        fail: () => false,
        defer: (inner, error, extra) => inner.call(hmail, error, extra),
      },
    )
  }

  /** Step 1: what the rules say. */
  #decide(hmail: HMailItem, basis: Basis): RoutedMessage | Promise<RoutedMessage> {
    const startedAt = performance.now()
    const message = this.#messages.read(hmail)
    return whenKnown(this.#questions.group(message, basis), (groups) =>
      whenKnown(this.#questions.decide(message, basis), (decision) => ({
        hmail,
        message,
        groups,
        decision,
        basis,
        startedAt,
      })),
    )
  }

  /** Steps 2 to 7. */
  #carryOut(routed: RoutedMessage): HookAnswer | Promise<HookAnswer> {
    if (routed.groups.length > 1) return this.#divide(routed)
    return whenKnown(this.#outcomes.find(routed), (found) => this.#answer(routed, found))
  }

  /** Steps 6 and 7. */
  #answer(routed: RoutedMessage, { outcome, located }: FoundOutcome): HookAnswer {
    return answerOutcome(routed.hmail, outcome, new AnsweredMessage(this.#answering, routed, located))
  }

  /** Step 2, in place of all that follow: each group of recipients goes through them in a message of its own. */
  #divide({ hmail, groups }: RoutedMessage): HookAnswer {
    return answerWithDivision(hmail, groups, {
      haraka: this.#haraka,
      notes: () => this.#messages.notesForFile(hmail),
      onWait: (reason, seconds) =>
        this.#noteWait(hmail, { why: 'disk', reason, seconds, held: [], full: [] }, undefined),
      log: this.#logOf(hmail),
    })
  }

  /** Step 7: what becomes of a message that was not delivered. */
  #makeAftermath({ hmail, message, decision }: TimedMessage): AftermathServices {
    return createAftermathServices({
      onRescue: (lines) => this.#parts.recorder.recordRescue(lines),
      hmail,
      message,
      decision,
      memory: this.#memory,
      decide: async (next) => this.#parts.active.use((basis) => this.#questions.decide(next, basis)),
      runner: this.#haraka.runner,
      log: this.#logOf(hmail),
    })
  }

  #failRelays(failed: readonly Exchange[], message: string, others: readonly Exchange[]): boolean {
    const { relays } = this.#parts
    for (const relay of failed) relays.noteFailure(relay, { stage: 'connect', message })
    return others.some((relay) => relays.look(relay).usable)
  }

  /** The message waits, in Haraka's own queue unless delivery says otherwise. @param slot of the decision, if there was one */
  #noteWait(hmail: HMailItem, wait: UncountedWait, slot: DecisionSlot | undefined): void {
    const { why, reason, seconds, held, full } = wait
    const until = this.#now() + seconds * 1000
    const at = [...new Set([...held, ...full].map(sectionKey))]
    this.#parts.recorder.recordWait(hmail, { why, reason, until, at }, slot)
    this.#waits.add(hmail, { held, leftOut: [], release: () => this.#haraka.sendNow(hmail) })
  }

  #logOf(hmail: HMailItem): Loggable {
    return new MessageLog(this.#parts.plugin, hmail)
  }
}
