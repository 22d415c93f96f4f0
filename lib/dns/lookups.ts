import { ResolveError } from '../model/errors'
import type { AnswerCache, CacheEntry } from './cache'
import type { InFlight } from './in-flight'
import type { Log } from './log'
import { MAX_LINKS, serverFailure, type ServerFailure, type ServerReply, type Statement } from './interpret'
import { readMxSet } from './mx-set'
import type { Run } from './query-run'
import type { ServerSets } from './server-sets'
import type { SharedAnswer, SharedAnswers } from './shared-answers'
import { Counter, type ResolverStats } from './stats'
import type { Answer, Content, QueryType, Question, RecordOf, ResolverOptions } from './types'
import type { MxRecord, Provenance } from '../model/dns-answer'
import { toPrintable } from '../model/printable'

export interface LookupsParts {
  readonly cache: AnswerCache
  /** What other processes know; absent: nothing is shared. */
  readonly shared?: SharedAnswers
  readonly servers: ServerSets
  readonly inFlight: InFlight
  readonly tuning: ResolverOptions
  /** Milliseconds. */
  readonly now: () => number
  readonly log: Log
}

/** What became of one question. `server`: which one answered, '' for a failure. */
interface QuestionResult<R> {
  readonly result: R | ServerFailure
  readonly server: string
}

/** A lookup under way. */
interface Job {
  /** Ends its current step early. */
  end: (code: string, reason: string) => void
  /** Why it was ended. */
  ended?: ServerFailure
  /** Has it had to wait for its turn? */
  waited: boolean
}

/** Looks names up: in the cache, by joining a lookup under way, or by asking. Names are lower-case A-labels. */
export class Lookups {
  readonly #parts: LookupsParts
  readonly #pending: { readonly [T in QueryType]: Map<string, Promise<Answer<T>>> } = {
    MX: new Map(),
    A: new Map(),
    AAAA: new Map(),
  }
  /** What mail can use of the records that a server sent. */
  readonly #select: {
    readonly [T in QueryType]: (name: string, records: readonly RecordOf[T][]) => Content<T> | ServerFailure
  } = {
    MX: (name, records) => this.#selectMx(name, records),
    A: (_name, records) => ({ kind: 'records', records }),
    AAAA: (_name, records) => ({ kind: 'records', records }),
  }
  readonly #jobs = new Set<Job>()
  readonly #failures = new Counter()
  #closed = false
  #hits = 0
  #shared = 0
  #misses = 0
  #stale = 0

  constructor(parts: LookupsParts) {
    this.#parts = parts
  }

  get stats(): Pick<ResolverStats, 'hits' | 'shared' | 'misses' | 'stale' | 'failures'> {
    return {
      hits: this.#hits,
      shared: this.#shared,
      misses: this.#misses,
      stale: this.#stale,
      failures: this.#failures.counts,
    }
  }

  /** Uses the remembered answer of a name, if there is one. An entry near its end is refreshed in the background. */
  get<T extends QueryType>(type: T, name: string, now: number): CacheEntry<T> | undefined {
    const entry = this.#parts.cache.get(type, name, now)
    if (entry === undefined) return undefined
    this.#hits++
    if (now >= entry.prefetchAt) this.#prefetch({ name, type }, now)
    return entry
  }

  /** Answers a question within `deadlineMs` (default: that of the settings) or rejects with a ResolveError. */
  async resolve<T extends QueryType>(
    question: Question<T>,
    deadlineMs = this.#parts.tuning.deadlineMs,
  ): Promise<Answer<T>> {
    const { cache, now } = this.#parts
    const { name, type } = question
    const time = now()
    const entry = this.get(type, name, time)
    if (entry !== undefined) return toCachedAnswer(entry, time)
    const failure = cache.failure(type, name, time)
    const pending: Promise<Answer<T>> | undefined = this.#pending[type].get(name)
    if (failure === undefined && pending === undefined) return this.#start(question, deadlineMs)
    this.#misses++
    return failure === undefined ? pending! : this.#serveStale(question, failure)
  }

  /** Ends every lookup under way with ECANCELLED; later ones fail at once. */
  close(): void {
    this.#closed = true
    for (const job of this.#jobs) job.end('ECANCELLED', 'the resolver is closed')
  }

  #prefetch<T extends QueryType>(question: Question<T>, time: number): void {
    if (this.#closed || this.#pending[question.type].has(question.name)) return
    if (this.#parts.cache.failure(question.type, question.name, time) !== undefined) return
    this.#start(question, this.#parts.tuning.deadlineMs, { isRefresh: true }).catch(() => {
      // Remembered as a failure; the entry is served as long as it lives.
    })
  }

  #start<T extends QueryType>(
    question: Question<T>,
    deadlineMs: number,
    { isRefresh = false } = {},
  ): Promise<Answer<T>> {
    if (this.#closed) {
      return Promise.reject(errorOf(serverFailure('ECANCELLED', 'the resolver is closed')))
    }
    const answer = this.#run(question, deadlineMs, isRefresh)
    const pending: Map<string, Promise<Answer<T>>> = this.#pending[question.type]
    pending.set(question.name, answer)
    return answer
  }

  /** @param isRefresh then other processes are not asked: what they know is as old as what is known here */
  async #run<T extends QueryType>(
    question: Question<T>,
    deadlineMs: number,
    isRefresh: boolean,
  ): Promise<Answer<T>> {
    const job: Job = {
      end: (code, reason) => (job.ended ??= serverFailure(code, reason)),
      waited: false,
    }
    const timer = setTimeout(() => job.end('ETIMEOUT', `no answer within ${deadlineMs / 1000} s`), deadlineMs)
    this.#jobs.add(job)
    try {
      const asked = isRefresh ? undefined : this.#parts.shared?.find(question)
      const known = asked === undefined ? undefined : await asked
      if (known !== undefined && job.ended === undefined) return this.#adopt(question, known)
      if (!isRefresh) this.#misses++
      const { result, server } = await this.#follow(question, job)
      if (result.kind === 'failure') return this.#fail(question, result, job)
      const content =
        result.kind === 'records' ? this.#select[question.type](question.name, result.records) : result
      return content.kind === 'failure'
        ? this.#fail(question, content, job)
        : this.#succeed(question, content, server, this.#limitTtl(result))
    } finally {
      clearTimeout(timer)
      this.#jobs.delete(job)
      this.#pending[question.type].delete(question.name)
    }
  }

  /** Asks for the name and, if a server gives a CNAME without its target, for the target in turn (RFC 1034 section 3.6.2). */
  async #follow<T extends QueryType>(question: Question<T>, job: Job): Promise<QuestionResult<Statement<T>>> {
    let name = question.name
    let links = 0
    let ttlSeconds = Infinity
    for (;;) {
      const { result, server } = await this.#ask({ name, type: question.type }, job)
      if (result.kind === 'failure') return { result, server }
      if (result.kind !== 'alias') return { result: shorten(result, ttlSeconds), server }
      ttlSeconds = Math.min(ttlSeconds, result.ttlSeconds)
      links += result.links
      if (links > MAX_LINKS) {
        const reason = `DNS server ${server} sent more than ${MAX_LINKS} CNAME records in a chain`
        return { result: serverFailure('EBADRESP', reason), server: '' }
      }
      name = result.target
    }
  }

  /** Puts one question to the servers, when its turn has come. Settles at the latest when the job is ended. */
  #ask<T extends QueryType>(question: Question<T>, job: Job): Promise<QuestionResult<ServerReply<T>>> {
    const { inFlight, servers } = this.#parts
    return new Promise((resolve) => {
      if (job.ended !== undefined) {
        resolve({ result: job.ended, server: '' })
        return
      }
      let run: Run | undefined
      let isOver = false
      const start = (): void => {
        run = servers.of(question.name).ask(question, (result, server) => {
          isOver = true
          inFlight.leave()
          resolve({ result, server })
        })
      }
      job.end = (code, reason) => {
        if (job.ended !== undefined) return
        const failures = run?.describeFailures() ?? ''
        job.ended = serverFailure(code, failures === '' ? reason : `${reason} (${failures})`)
        if (isOver) return
        isOver = true
        if (!inFlight.withdraw(start)) {
          run?.cancel()
          inFlight.leave()
        }
        resolve({ result: job.ended, server: '' })
      }
      inFlight.enter(start)
      if (run === undefined) job.waited = true
    })
  }

  #succeed<T extends QueryType>(
    { type, name }: Question<T>,
    content: Content<T>,
    server: string,
    ttlSeconds: number,
  ): Answer<T> {
    const { cache, now } = this.#parts
    // An absence that is not proven does not replace what is known.
    const isSaidOnly = content.kind === 'nodata' && !content.proven
    if (!isSaidOnly) {
      cache.put(type, name, { content, server, ttlSeconds }, now())
      this.#parts.shared?.keep({ type, name }, { content, server, ttlSeconds })
    }
    return answerOf(content, { how: 'fresh', server, ttlSeconds })
  }

  /** Takes what another process knows, within the bounds of this one. */
  #adopt<T extends QueryType>(
    { type, name }: Question<T>,
    { content, server, ttlSeconds }: SharedAnswer<T>,
  ): Answer<T> {
    const { cache, now } = this.#parts
    this.#shared++
    if (content.kind === 'failure') {
      const error = errorOf(content)
      cache.adoptFailure(type, name, { error, seconds: ttlSeconds }, now())
      return this.#serveStale({ type, name }, error)
    }
    const seconds = Math.min(ttlSeconds, this.#longestTtl(content))
    cache.put(type, name, { content, server, ttlSeconds: seconds }, now())
    return { ...content, how: 'cached', server, ttlSeconds: Math.ceil(seconds) }
  }

  #selectMx(name: string, sent: readonly MxRecord[]): Content<'MX'> | ServerFailure {
    const set = readMxSet(sent, ({ priority, exchange }, why) =>
      this.#parts.log(
        'warn',
        `MX ${priority} ${toPrintable(JSON.stringify(exchange))} of ${name} is skipped: ${why}`,
      ),
    )
    return set.kind === 'unusable' ? serverFailure('EBADMX', 'no MX record names a host') : set
  }

  /** TTLs within the bounds of the settings (RFC 8767 section 4 for the largest). An absence without SOA stays 0 (RFC 2308 section 5). */
  #limitTtl({ kind, ttlSeconds }: Statement): number {
    if (isAbsence(kind) && ttlSeconds === 0) return 0
    return Math.min(Math.max(ttlSeconds, this.#parts.tuning.minTtlSeconds), this.#longestTtl({ kind }))
  }

  #longestTtl({ kind }: Pick<Content, 'kind'>): number {
    const { maxTtlSeconds, maxNegativeTtlSeconds } = this.#parts.tuning
    return isAbsence(kind) ? maxNegativeTtlSeconds : maxTtlSeconds
  }

  #fail<T extends QueryType>(question: Question<T>, reason: ServerFailure, job: Job): Answer<T> {
    const error = errorOf(reason)
    this.#failures.add(error.code)
    // A lookup that timed out in the queue says nothing about the name.
    const isNoFault = job.ended !== undefined && (job.waited || job.ended.code === 'ECANCELLED')
    if (!isNoFault) {
      const ttlSeconds = this.#parts.cache.fail(question.type, question.name, error, this.#parts.now())
      this.#parts.shared?.keep(question, { content: reason, server: '', ttlSeconds })
    }
    return this.#serveStale(question, error)
  }

  /** @throws the error, if there are no expired records to serve */
  #serveStale<T extends QueryType>({ type, name }: Question<T>, error: ResolveError): Answer<T> {
    const stale = this.#parts.cache.stale(type, name, this.#parts.now())
    if (stale === undefined || error.code === 'ECANCELLED') throw error
    this.#stale++
    return { ...stale.content, how: 'stale', server: stale.server, ttlSeconds: 0 }
  }
}

const isAbsence = (kind: Content['kind']) => kind === 'nodata' || kind === 'nxdomain'

/** Whole seconds that a live entry has left, at least 1. */
export function secondsLeft(entry: CacheEntry, now: number): number {
  return Math.ceil((entry.expiresAt - now) / 1000)
}

/** The answer that a cache entry holds. */
export function toCachedAnswer<T extends QueryType>(entry: CacheEntry<T>, now: number): Answer<T> {
  return { ...entry.content, how: 'cached', server: entry.server, ttlSeconds: secondsLeft(entry, now) }
}

/** Copies field by field: a spread would take 500 bytes for each. */
function answerOf<T extends QueryType>(content: Content<T>, provenance: Provenance): Answer<T> {
  const { how, server, ttlSeconds } = provenance
  return content.kind === 'records'
    ? { kind: 'records', records: content.records, how, server, ttlSeconds }
    : { ...content, ...provenance }
}

/** The statement with a TTL that is no longer than that of the chain which led to it. */
function shorten<T extends QueryType>(statement: Statement<T>, ttlSeconds: number): Statement<T> {
  return statement.ttlSeconds <= ttlSeconds ? statement : { ...statement, ttlSeconds }
}

function errorOf({ code, reason }: ServerFailure): ResolveError {
  return new ResolveError(reason, { code, temporary: true })
}
