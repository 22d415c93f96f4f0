import { formatEndpoint } from '../model/endpoint'
import { ServerHealth } from './health'
import type { Log } from './log'
import type { ServerFailure, ServerReply } from './interpret'
import { ServerCounters, type ServerStats } from './stats'
import { Transport, type Done, type ServerAsk, type TransportOptions } from './transport'
import type { QueryType, Question, ServerAddress } from './types'

/** Failures in a row after which a server's failure is logged: a single lost datagram is not worth a line. */
const LOGGED_FROM = 2

/** Codes that a server itself replies with: it works, and would reply the same if it were asked again. */
const OWN_WORDS: ReadonlySet<string> = new Set([
  'EFORMERR',
  'ESERVFAIL',
  'ENOTIMP',
  'EREFUSED',
  'EBADVERS',
  'EREFERRAL',
  'EOTHERTYPE',
])

/** Did the server reply that it has no answer? Otherwise it could not be reached, or its reply could not be read. */
export function isOwnWords({ code }: ServerFailure): boolean {
  return OWN_WORDS.has(code)
}

export const TIMED_OUT: ServerFailure = {
  kind: 'failure',
  code: 'ETIMEOUT',
  reason: 'did not answer in time',
}

export interface UpstreamOptions extends TransportOptions {
  readonly log: Log
}

/** One server that is asked: its sockets, its health, its counters. */
export class Upstream {
  /** `ip:port`, as the file has it; IPv6 in brackets. */
  readonly name: string
  readonly address: ServerAddress
  readonly health = new ServerHealth()
  readonly #counters = new ServerCounters()
  readonly #transport: Transport
  readonly #options: UpstreamOptions

  constructor(address: ServerAddress, options: UpstreamOptions) {
    this.name = formatEndpoint({ host: address.address, port: address.port })
    this.address = address
    this.#options = options
    this.#transport = new Transport(address, options)
  }

  /** Does it have open sockets? */
  get isOpen(): boolean {
    return this.#transport.open > 0
  }

  get stats(): Omit<ServerStats, 'zone'> {
    const { rttMs, failures } = this.health
    return {
      server: this.name,
      transport: this.address.transport,
      ...(rttMs === undefined ? {} : { rttMs }),
      failures,
      ...this.#counters.stats,
    }
  }

  /** Sends one query and counts how it ends. There is no time limit. */
  ask<T extends QueryType>(question: Question<T>, done: Done<T>): ServerAsk {
    this.#counters.queries++
    const startedAt = this.#options.now()
    return this.#transport.ask(question, (result) => {
      this.#count(question.type, result, startedAt)
      done(result)
    })
  }

  /** It gave an answer to the query of that time. */
  noteAnswer(startedAt: number): void {
    const now = this.#options.now()
    this.#logRecovery()
    this.health.noteReply(now)
    this.health.noteAnswer(now - startedAt)
  }

  /** A reply without an answer is a sign of life too. */
  noteOwnWords(): void {
    this.#logRecovery()
    this.health.noteReply(this.#options.now())
    this.health.recover()
  }

  /** There was no reply in time to a query of this type. */
  noteTimeout(type: QueryType): void {
    this.#counters.countEnd(type, TIMED_OUT.code)
  }

  noteFailure(failure: ServerFailure): void {
    const before = this.health.failures
    this.health.noteFailure(this.#options.now())
    if (before < LOGGED_FROM && this.health.failures >= LOGGED_FROM) {
      this.#options.log('warn', `DNS server ${this.name} ${failure.reason}, twice in a row`)
    }
  }

  close(): void {
    this.#transport.close()
  }

  #count(type: QueryType, result: ServerReply | ServerFailure, startedAt: number): void {
    if (result.kind === 'failure') {
      this.#counters.countEnd(type, result.code)
    } else {
      const rcode = result.kind === 'nxdomain' ? 'NXDOMAIN' : 'NOERROR'
      this.#counters.countAnswer(type, rcode, this.#options.now() - startedAt)
    }
  }

  #logRecovery(): void {
    if (this.health.failures >= LOGGED_FROM)
      this.#options.log('info', `DNS server ${this.name} answers again`)
  }
}
