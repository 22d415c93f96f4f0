import type { ServerFailure, ServerReply } from './interpret'
import type { Ask, ServerAsk } from './transport'
import type { QueryType, Question } from './types'
import { isOwnWords, TIMED_OUT, type Upstream } from './upstream'

export interface QueryRunOptions {
  readonly order: 'strict' | 'fastest'
  /** How long one try is waited for. */
  readonly timeoutMs: number
  /** How often the list of servers is gone through. */
  readonly tries: number
  /** For the whole lookup. */
  readonly deadlineMs: number
  /** Milliseconds. */
  readonly now: () => number
}

/** `server` is the one that gave the answer, `ip:port`; '' for a failure, whose reason names the servers. */
export type RunDone<T extends QueryType> = (result: ServerReply<T> | ServerFailure, server: string) => void

/** What a server without an answer has done. */
interface NoAnswer {
  /** The last failure. */
  failure: ServerFailure
  /** The failure that counts against it if another server has an answer. */
  doubtful: ServerFailure | undefined
  /** Must it not be asked again? */
  isFinished: boolean
}

/** A question under way. */
export interface Run extends Ask {
  /** What each server has done so far, for an error message; '' before the first failure. */
  describeFailures(): string
}

/**
 * One question on its way through the servers (RFC 1035 section 7.2):
 *
 * 1. The servers are asked one after the other, in the given order. The first answer counts.
 * 2. Each try has a time limit. After that the next server is asked, but the try stays open: a late reply counts too.
 * 3. After the last server the list is gone through again, as often as `tries` says. A server that has replied without an answer
 *    (SERVFAIL, REFUSED) is not asked again.
 * 4. After a server that only suggests that there is no record (`suggestsNodata`), the next servers are asked. If none of them has an
 *    answer, the suggestion counts, as an absence that is not proven.
 * 5. Which server has failed? One that could not be reached, or did not reply in time, unless it has replied to something else
 *    meanwhile. One whose reply could not be read, if another server has an answer. With `order = fastest` also one that said SERVFAIL or
 *    REFUSED to what another has answered; not with `strict`: an internal server may refuse names that are not its own, and must stay
 *    first for those that are.
 */
export class QueryRun<T extends QueryType> implements Run {
  readonly #servers: readonly Upstream[]
  readonly #question: Question<T>
  readonly #options: QueryRunOptions
  readonly #done: RunDone<T>
  /** For one try: short enough that every server is asked before the deadline. Otherwise a dead server would stay first for ever. */
  readonly #waitMs: number
  /** All tries; each stays open until the end. */
  readonly #asks: ServerAsk[] = []
  /** Servers that have not answered. Made at the first failure: most questions have none. */
  #noAnswers: Map<Upstream, NoAnswer> | undefined
  #suggestion: Upstream | undefined
  #index = 0
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  constructor(
    servers: readonly Upstream[],
    question: Question<T>,
    options: QueryRunOptions,
    done: RunDone<T>,
  ) {
    this.#servers = servers
    this.#question = question
    this.#options = options
    this.#done = done
    this.#waitMs = Math.min(options.timeoutMs, options.deadlineMs / servers.length)
  }

  start(): void {
    if (this.#servers.length === 0) queueMicrotask(() => this.#next())
    else this.#next()
  }

  cancel(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    for (const ask of this.#asks) ask.cancel()
  }

  describeFailures(): string {
    return [...(this.#noAnswers ?? [])]
      .map(([{ name }, { failure }]) => `DNS server ${name} ${failure.reason}`)
      .join('; ')
  }

  #next(): void {
    if (this.#isOver) return
    const upstream = this.#choose()
    if (upstream === undefined) this.#giveUp()
    else this.#ask(upstream)
  }

  #choose(): Upstream | undefined {
    const all = this.#servers.length * this.#options.tries
    while (this.#index < all) {
      const isNewRound = this.#index > 0 && this.#index % this.#servers.length === 0
      if (isNewRound && this.#suggestion !== undefined) return undefined
      const upstream = this.#servers[this.#index++ % this.#servers.length]!
      if (this.#noAnswers?.get(upstream)?.isFinished !== true) return upstream
    }
    return undefined
  }

  #ask(upstream: Upstream): void {
    const startedAt = this.#options.now()
    const place = this.#asks.length
    this.#timer = setTimeout(() => {
      upstream.noteTimeout(this.#question.type)
      if (!upstream.health.hasRepliedSince(startedAt)) upstream.noteFailure(TIMED_OUT)
      this.#asks[place]?.noteOverdue()
      this.#noteNoAnswer(TIMED_OUT, upstream)
    }, this.#waitMs)
    const ask = upstream.ask(this.#question, (result) => {
      if (this.#isOver) return
      if (result.kind !== 'failure') {
        this.#answer(result, upstream, startedAt)
      } else if (place === this.#asks.length - 1) {
        // From an earlier try only an answer counts.
        this.#judge(result, upstream)
        this.#noteNoAnswer(result, upstream)
      }
    })
    this.#asks.push(ask)
  }

  #answer(reply: ServerReply<T>, upstream: Upstream, startedAt: number): void {
    upstream.noteAnswer(startedAt)
    for (const [other, { doubtful }] of this.#noAnswers ?? []) {
      if (doubtful !== undefined && other !== upstream) other.noteFailure(doubtful)
    }
    this.#finish(reply, upstream.name)
  }

  #judge(failure: ServerFailure, upstream: Upstream): void {
    if (failure.suggestsNodata === true) this.#suggestion ??= upstream
    const noAnswer = this.#noAnswerOf(upstream, failure)
    if (isOwnWords(failure)) {
      noAnswer.isFinished = true
      if (this.#options.order === 'strict') {
        upstream.noteOwnWords()
      } else {
        upstream.health.noteReply(this.#options.now())
        noAnswer.doubtful = failure
      }
    } else if (failure.code === 'EBADRESP') {
      noAnswer.doubtful = failure
    } else {
      upstream.noteFailure(failure)
    }
  }

  #noteNoAnswer(failure: ServerFailure, upstream: Upstream): void {
    clearTimeout(this.#timer)
    this.#noAnswerOf(upstream, failure).failure = failure
    this.#next()
  }

  #noAnswerOf(upstream: Upstream, failure: ServerFailure): NoAnswer {
    this.#noAnswers ??= new Map()
    const known = this.#noAnswers.get(upstream)
    if (known !== undefined) return known
    const noAnswer: NoAnswer = { failure, doubtful: undefined, isFinished: false }
    this.#noAnswers.set(upstream, noAnswer)
    return noAnswer
  }

  #giveUp(): void {
    if (this.#suggestion !== undefined) {
      this.#finish({ kind: 'nodata', proven: false, ttlSeconds: 0 }, this.#suggestion.name)
      return
    }
    const last = [...(this.#noAnswers?.values() ?? [])].at(-1)?.failure
    const failure: ServerFailure = {
      kind: 'failure',
      code: 'ENOSERVERS',
      reason: 'there is no DNS server to ask',
    }
    const reason = this.describeFailures()
    this.#finish(last === undefined ? failure : { ...failure, code: last.code, reason }, '')
  }

  #finish(result: ServerReply<T> | ServerFailure, server: string): void {
    this.cancel()
    this.#done(result, server)
  }
}
