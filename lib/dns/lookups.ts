import { ResolveError } from '../model/errors'
import type { AnswerCache, Entry, Keepable } from './cache'
import type { InFlight } from './in-flight'
import { MAX_LINKS, type Refusal, type Reply } from './message'
import type { Log } from './log'
import { usableMx } from './mx-set'
import type { Ask } from './transport'
import type { Answer, QueryType, Question, ResolverOptions } from './types'
import type { MxRecord } from '../model/dns-answer'
import type { Upstreams } from './upstreams'

/** A name's MX records, or its addresses as text. */
export type Records = MxRecord | string

export interface LookupsParts {
  readonly cache: AnswerCache
  readonly upstreams: Upstreams
  readonly inFlight: InFlight
  readonly tuning: ResolverOptions
  readonly now: () => number
  readonly log: Log
}

/** A reply with its chain of CNAMEs at an end. */
type Final = Exclude<Reply, { readonly kind: 'alias' }>

interface Sent<R extends Reply = Reply> {
  readonly result: R | Refusal
  readonly server: string
}

/** A lookup under way: what ends its present step early. */
interface Job {
  end: (code: string, reason: string) => void
  /** Why it was ended. */
  ended?: Refusal
  /** It had to wait for its turn. */
  waited: boolean
}

/** Looks names up: from the cache, by joining a lookup under way, or by asking. */
export class Lookups {
  readonly #parts: LookupsParts
  readonly #pending: Readonly<Record<QueryType, Map<string, Promise<Answer<Records>>>>> = {
    MX: new Map(),
    A: new Map(),
    AAAA: new Map(),
  }
  readonly #jobs = new Set<Job>()
  #closed = false
  hits = 0
  misses = 0

  constructor(parts: LookupsParts) {
    this.#parts = parts
  }

  /**
   * The remembered answer of a name in lower case A-labels, without waiting; undefined if there is none. An entry near its end is
   * asked for again in the background.
   */
  peek(type: QueryType, name: string, now: number): Entry | undefined {
    const entry = this.#parts.cache.get(type, name, now)
    if (entry === undefined) return undefined
    this.hits++
    if (now >= entry.prefetchAt) this.#prefetch({ name, type }, now)
    return entry
  }

  /** Answers a question within `deadline` milliseconds (default: that of the settings) or rejects with a ResolveError. */
  async resolve(question: Question, deadline = this.#parts.tuning.deadline): Promise<Answer<Records>> {
    const { cache, now } = this.#parts
    const { name, type } = question
    const time = now()
    const entry = this.peek(type, name, time)
    if (entry !== undefined) return answerOf(entry, 'cached', secondsLeft(entry, time))
    this.misses++
    const failure = cache.failure(type, name, time)
    if (failure !== undefined) return this.#staleOr(question, failure)
    return this.#pending[type].get(name) ?? this.#start(question, deadline)
  }

  /** Ends every lookup under way with ECANCELLED; later ones fail at once. */
  close(): void {
    this.#closed = true
    for (const job of this.#jobs) job.end('ECANCELLED', 'the resolver was closed')
  }

  #prefetch(question: Question, time: number): void {
    if (this.#closed || this.#pending[question.type].has(question.name)) return
    if (this.#parts.cache.failure(question.type, question.name, time) !== undefined) return
    this.#start(question, this.#parts.tuning.deadline).catch(() => {
      // Remembered as a failure; the entry is served as long as it lives.
    })
  }

  #start(question: Question, deadline: number): Promise<Answer<Records>> {
    if (this.#closed) {
      return Promise.reject(errorOf(question, refusalOf('ECANCELLED', 'the resolver is closed'), ''))
    }
    const answer = this.#run(question, deadline)
    this.#pending[question.type].set(question.name, answer)
    return answer
  }

  async #run(question: Question, deadline: number): Promise<Answer<Records>> {
    const job: Job = { end: () => {}, waited: false }
    const timer = setTimeout(() => job.end('ETIMEOUT', `no answer in ${deadline} ms`), deadline)
    this.#jobs.add(job)
    try {
      const { result, server } = await this.#follow(question, job)
      return result.kind === 'refusal'
        ? this.#failed(question, errorOf(question, result, server), job)
        : this.#answered(question, result, server)
    } finally {
      clearTimeout(timer)
      this.#jobs.delete(job)
      this.#pending[question.type].delete(question.name)
    }
  }

  /** Asks for the name and, where a server leaves a CNAME's target open, for that in turn (RFC 1034 3.6.2). */
  async #follow(question: Question, job: Job): Promise<Sent<Final>> {
    let name = question.name
    let links = 0
    let ttl = Infinity
    for (;;) {
      const { result, server } = await this.#step({ name, type: question.type }, job)
      if (result.kind === 'refusal') return { result, server }
      ttl = Math.min(ttl, result.ttl)
      if (result.kind !== 'alias') return { result: { ...result, ttl }, server }
      links += result.links
      if (links > MAX_LINKS) {
        return { result: refusalOf('EBADRESP', `more than ${MAX_LINKS} CNAME records in a chain`), server }
      }
      name = result.target
    }
  }

  /** One question to the servers, when its turn has come. Settles when the job is ended. */
  #step(question: Question, job: Job): Promise<Sent> {
    const { inFlight, upstreams } = this.#parts
    return new Promise((resolve) => {
      if (job.ended !== undefined) {
        resolve({ result: job.ended, server: '' })
        return
      }
      let ask: Ask | undefined
      let over = false
      const start = (): void => {
        ask = upstreams.ask(question, (result, server) => {
          over = true
          inFlight.leave()
          resolve({ result, server })
        })
      }
      job.end = (code, reason) => {
        if (job.ended !== undefined) return
        job.ended = refusalOf(code, reason)
        if (over) return
        over = true
        if (!inFlight.withdraw(start)) {
          ask?.cancel()
          inFlight.leave()
        }
        resolve({ result: job.ended, server: '' })
      }
      inFlight.enter(start)
      if (ask === undefined) job.waited = true
    })
  }

  #answered(question: Question, reply: Final, server: string): Answer<Records> {
    const { cache, now } = this.#parts
    const kept: Keepable = {
      kind: reply.kind,
      records: reply.kind === 'records' ? this.#usable(question, reply.records) : [],
      server,
      ttl: this.#capped(reply),
    }
    cache.put(question.type, question.name, kept, now())
    return answerOf(kept, 'fresh', kept.ttl)
  }

  #usable(question: Question, records: readonly Records[]): readonly Records[] {
    if (question.type !== 'MX') return records
    return usableMx(records as readonly MxRecord[], ({ priority, exchange }, why) =>
      this.#parts.log(
        'warn',
        `MX ${priority} ${JSON.stringify(exchange)} of ${question.name} is skipped: ${why}`,
      ),
    )
  }

  /** TTLs within the settings' bounds (RFC 8767 4 for the largest). An absence without SOA stays 0 (RFC 2308 5). */
  #capped(reply: Final): number {
    const { minTtl, maxTtl, maxNegativeTtl } = this.#parts.tuning
    if (reply.kind === 'records') return Math.min(Math.max(reply.ttl, minTtl), maxTtl)
    return reply.ttl === 0 ? 0 : Math.min(Math.max(reply.ttl, minTtl), maxNegativeTtl)
  }

  #failed(question: Question, error: ResolveError, job: Job): Answer<Records> {
    // A deadline that went by while others had their turn says nothing of the name.
    const noFault = job.ended !== undefined && (job.waited || job.ended.code === 'ECANCELLED')
    if (!noFault) {
      this.#parts.cache.fail(question.type, question.name, error, this.#parts.now())
    }
    return this.#staleOr(question, error)
  }

  #staleOr(question: Question, error: ResolveError): Answer<Records> {
    const stale = this.#parts.cache.stale(question.type, question.name, this.#parts.now())
    if (stale === undefined || error.code === 'ECANCELLED') throw error
    return answerOf(stale, 'stale', 0)
  }
}

/** Whole seconds that an entry still lives: at least 1. */
export function secondsLeft(entry: Entry, now: number): number {
  return Math.ceil((entry.expires - now) / 1000)
}

function answerOf(kept: Keepable, how: 'fresh' | 'cached' | 'stale', ttl: number): Answer<Records> {
  const { kind, records, server } = kept
  return kind === 'records' ? { kind, records, how, server, ttl } : { kind, how, server, ttl }
}

function refusalOf(code: string, reason: string): Refusal {
  return { kind: 'refusal', code, reason }
}

function errorOf(question: Question, refusal: Refusal, server: string): ResolveError {
  const from = server === '' ? '' : ` (${server})`
  return new ResolveError(`${question.type} of ${question.name}: ${refusal.reason}${from}`, {
    code: refusal.code,
    temporary: true,
  })
}

/** The error for a text that is no name: nothing was asked, nor will it help to ask later. */
export function badName(name: string): ResolveError {
  return new ResolveError(`${JSON.stringify(name)} is no domain name`, { code: 'EBADNAME', temporary: false })
}
