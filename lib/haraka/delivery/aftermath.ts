import { isPermanent } from '../../model/reply'
import {
  findSetback,
  findSetbacks,
  isRefusal,
  type ConnectionReport,
  type FailedAttempt,
  type Setback,
} from './setback'
import { findAgainSeconds, groupByFate, judgeSafely, type FateGroup, type Judge } from './fates'
import { replaceNextCall } from '../../haraka-objects/patch'
import type { EndMethods } from './hooks'
import { reportFields, reportOf } from './report-fields'
import { readRetryIntervals } from './requeue'
import type { Loggable } from '../../haraka-objects/plugin'
import type { OutboundItem, QueuedRecipient } from '../../haraka-objects/outbound'

/** What the aftermath of an attempt needs of the rest of the plugin. */
export interface AftermathServices {
  readonly judge: Judge
  /** Remembers a failed attempt with the message, in its queue file too. Never rejects. */
  keep(attempt: FailedAttempt): Promise<void>
  /** As `keep`, but only for as long as the work lasts, and not in the file: for a copy of the message that Haraka makes. */
  lend(attempt: FailedAttempt, work: () => void): void
  /** Haraka's `plugins.run_hooks`. */
  runHooks(hook: 'deferred', hmail: OutboundItem, parameters: Record<string, unknown>): void
  readonly log: Pick<Loggable, 'lognotice' | 'logerror'>
}

/** What Haraka 3.3.4 (`outbound/hmail.js` `finish_processing_mail`) calls the split of those that are deferred, or bounced. */
const DEFERRED_SPLIT = 'Some recipients temporarily failed'
const REFUSED_SPLIT = 'Some recipients rejected'

/**
 * What becomes of a message whose attempt has ended without delivery. Haraka 3.3.4 (`outbound/hmail.js`) bounces what was refused
 * with 5xx and defers the rest; here a recipient is deferred instead of bounced if a line of the rules rescues it, and what was said
 * is kept with the message.
 */
export class Aftermath {
  readonly #hmail: OutboundItem
  readonly #services: AftermathServices
  /** The last connection of the attempt. */
  readonly #lastConnection: () => ConnectionReport | undefined
  readonly #withoutConnection: 'connect' | 'dns'
  readonly #judge: Judge

  /** @param withoutConnection how an attempt without any connection has failed */
  constructor(
    hmail: OutboundItem,
    services: AftermathServices,
    lastConnection: () => ConnectionReport | undefined,
    withoutConnection: 'connect' | 'dns' = 'connect',
  ) {
    this.#hmail = hmail
    this.#withoutConnection = withoutConnection
    this.#services = services
    this.#lastConnection = lastConnection
    this.#judge = judgeSafely(services.judge, services.log)
  }

  /** The whole message is deferred. */
  defer(reason: unknown, extra: unknown, haraka: EndMethods): void {
    const asUsual = () => haraka.temp_fail(reason, extra)
    this.#run(asUsual, async () => {
      const connection = this.#lastConnection()
      const found = connection === undefined ? undefined : findSetback(connection)
      const setback: Setback = found ?? { failed: this.#withoutConnection, text: String(reason) }
      const again = await findAgainSeconds(this.#hmail.todo.rcpt_to, setback, this.#judge)
      await this.#services.keep(this.#failedAttempt(setback))
      if (again === undefined) return asUsual
      return () => this.#deferFor(this.#hmail, reason, extra, { seconds: again, beyondIntervals: false })
    })
  }

  /** The whole message is to be bounced. */
  bounce(reason: unknown, extra: unknown, haraka: EndMethods): void {
    const asUsual = () => haraka.bounce(reason, extra)
    const connection = this.#lastConnection()
    if (connection?.session === undefined || connection.session.failure !== undefined) {
      asUsual()
      return
    }
    this.#run(asUsual, async () => {
      const groups = isRefusal(findSetback(connection))
        ? await this.#group(this.#hmail.todo.rcpt_to, connection)
        : undefined
      const [first, ...others] = groups ?? []
      if (first === undefined || !groups!.some(({ kind }) => kind === 'rescue')) return asUsual
      if (others.length > 0) return () => this.#splitRefused([first, ...others], connection, extra, haraka)
      await this.#services.keep(this.#failedAttempt(first.setback, first.judgement.rescuedBy))
      return () => this.#rescue(this.#hmail, first, extra)
    })
  }

  /** Some recipients, or all of them for different reasons, go on in a message of their own. */
  split(
    recipients: readonly QueuedRecipient[],
    response: string,
    done: (hmail: OutboundItem) => void,
    haraka: EndMethods,
  ): void {
    const asUsual = () => haraka.split_to_new_recipients(recipients, response, done)
    const connection = this.#lastConnection()
    if (connection === undefined) {
      asUsual()
      return
    }
    this.#run(asUsual, async () => {
      const right = this.#correct(recipients, response, connection)
      const groups = await this.#group(right, connection)
      const isWhole = groups?.length === 1 && right.length === this.#hmail.todo.rcpt_to.length
      // Haraka goes on with the message itself then: see defer() and bounce().
      if (groups === undefined || isWhole) {
        return () => haraka.split_to_new_recipients(right, response, done)
      }
      return () => {
        this.#hmail.refcount += groups.length - 1
        this.#split(groups, response, haraka, (split, group) => {
          const method = response === DEFERRED_SPLIT ? 'temp_fail' : 'bounce'
          replaceNextCall(split, method, (_inner, _reason, extra) => this.#end(split, group, extra))
          done(split)
        })
      }
    })
  }

  /** The message was refused as a whole, and some of its recipients before that: each group goes on in a message of its own. */
  #splitRefused(
    groups: readonly FateGroup[],
    connection: ConnectionReport,
    extra: unknown,
    haraka: EndMethods,
  ): void {
    const hmail = this.#hmail
    const { rcpt_to: all } = hmail.todo
    // Haraka has noted the reply to the whole message for each of them.
    for (const [index, setback] of findSetbacks(connection, all.length).entries()) {
      if (setback?.reply !== undefined)
        Object.assign(all[index]!, reportOf(setback.reply, connection.address))
    }
    hmail.refcount += groups.length
    this.#split(groups, REFUSED_SPLIT, haraka, (split, group) => {
      hmail.discard()
      this.#end(split, group, extra)
    })
    hmail.discard()
  }

  #split(
    groups: readonly FateGroup[],
    response: string,
    haraka: EndMethods,
    done: (split: OutboundItem, group: FateGroup) => void,
  ): void {
    for (const group of groups) {
      const { setback, judgement, kind, recipients } = group
      const attempt = this.#failedAttempt(setback, kind === 'rescue' ? judgement.rescuedBy : [])
      this.#services.lend(attempt, () => {
        haraka.split_to_new_recipients(recipients, response, (split) => done(split, group))
      })
    }
  }

  /** What becomes of a message that has just been split off. Its file already has all that is known. */
  #end(split: OutboundItem, group: FateGroup, given: unknown): void {
    const { kind, recipients, judgement } = group
    const extra = { ...(given as object | undefined) }
    const names = recipients.join(', ')
    // Haraka reads the recipients from the new file, which has only their addresses: the report would give no reason.
    for (const [index, recipient] of recipients.entries()) {
      Object.assign(split.todo.rcpt_to[index] ?? {}, reportFields(recipient))
    }
    switch (kind) {
      case 'bounce':
        split.bounce(`Some recipients failed: ${names}`, { ...extra, bounce_recips: recipients })
        return
      case 'rescue':
        this.#rescue(split, group, extra)
        return
      case 'defer': {
        const text = `Some recipients temp failed: ${names}`
        const more = { ...extra, fail_recips: recipients }
        if (judgement.againSeconds === undefined) split.temp_fail(text, more)
        else this.#deferFor(split, text, more, { seconds: judgement.againSeconds, beyondIntervals: false })
        return
      }
      default:
        kind satisfies never
    }
  }

  #rescue(hmail: OutboundItem, { recipients, setback, judgement }: FateGroup, extra: unknown): void {
    for (const recipient of recipients) recipient.dsn_action = 'delayed'
    const { bounce_recips: _, ...rest } = { ...(extra as Record<string, unknown> | undefined) }
    this.#services.log.lognotice(
      `not bounced but tried again, by ${judgement.rescuedBy.join('; ')}: ${recipients.join(', ')}: ${setback.text}`,
    )
    const more = { ...rest, fail_recips: recipients }
    this.#deferFor(hmail, setback.text, more, { seconds: judgement.againSeconds ?? 0, beyondIntervals: true })
  }

  /**
   * As `temp_fail` of Haraka 3.3.4, but with a delay of our own.
   *
   * @param delay with `beyondIntervals` also if Haraka's retry intervals are used up
   */
  #deferFor(
    hmail: OutboundItem,
    reason: unknown,
    extra: unknown,
    { seconds, beyondIntervals }: { readonly seconds: number; readonly beyondIntervals: boolean },
  ): void {
    hmail.num_failures++
    if (!beyondIntervals && hmail.num_failures > readRetryIntervals(hmail).length) {
      hmail.convert_temp_failed_to_bounce(`Too many failures (${String(reason)})`, extra)
      return
    }
    const parameters = { delay: seconds, err: reason, ...(extra as object | undefined) }
    this.#services.runHooks('deferred', hmail, parameters)
  }

  /**
   * Haraka 3.3.4 takes the first recipient for the one that a reply of LMTP refuses, whichever it is about. The reply counts
   * recipients in their order (RFC 2033 section 4.2).
   */
  #correct(
    recipients: readonly QueuedRecipient[],
    response: string,
    { session, address }: ConnectionReport,
  ): readonly QueuedRecipient[] {
    if (session?.lmtp !== true) return recipients
    const areDeferred = response === DEFERRED_SPLIT
    const right = session.refused.filter(({ reply }) => isPermanent(reply) !== areDeferred)
    if (right.length !== recipients.length) return recipients
    return right.flatMap(({ index, reply }) => {
      const recipient = this.#hmail.todo.rcpt_to[index]
      if (recipient === undefined) return []
      Object.assign(recipient, reportOf(reply, address))
      return [recipient]
    })
  }

  #group(
    recipients: readonly QueuedRecipient[],
    connection: ConnectionReport,
  ): Promise<readonly FateGroup[] | undefined> {
    return groupByFate({ all: this.#hmail.todo.rcpt_to, recipients, connection, judge: this.#judge })
  }

  #failedAttempt(setback: Setback, rescuedBy: readonly string[] = []): FailedAttempt {
    const connection = this.#lastConnection()
    return { setback, rescuedBy, ...(connection === undefined ? {} : { connection }) }
  }

  /**
   * Finds out what to do, and does it. If that fails, the message must not be lost: then Haraka does what it would do without this
   * plugin.
   */
  #run(asUsual: () => unknown, plan: () => Promise<() => unknown>): void {
    const { log } = this.#services
    plan()
      .catch((error: unknown) => {
        log.logerror(
          `the attempt ends as without this plugin, because the rules could not be asked: ${String(error)}`,
        )
        return asUsual
      })
      .then((act) => act())
      .catch((error: unknown) => log.logerror(`the attempt could not be ended: ${String(error)}`))
  }
}

/** Defers a message of which no server was asked, because a lookup failed. `inner`: Haraka's `temp_fail`. */
export function deferWithoutConnection(
  hmail: OutboundItem,
  services: AftermathServices,
  { inner, reason, extra }: { inner: OutboundItem['temp_fail']; reason: unknown; extra: unknown },
): void {
  const haraka = {
    bounce: hmail.bounce.bind(hmail),
    temp_fail: inner.bind(hmail),
    split_to_new_recipients: hmail.split_to_new_recipients.bind(hmail),
  }
  new Aftermath(hmail, services, () => undefined, 'dns').defer(reason, extra, haraka)
}
