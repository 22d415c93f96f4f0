import assert from 'node:assert/strict'
import { AttemptPolicy } from '../../lib/haraka/delivery/attempt-policy'
import type { AttemptPlan, Candidate } from '../../lib/haraka/delivery/attempt-types'
import { exchangeKey, type Exchange } from '../../lib/model/exchange'
import type { NextMx } from '../../lib/model/terms'
import { isUnavailable, type Lease, type Unavailable } from '../../lib/relays/types'
import type { SessionFailure } from '../../lib/smtp/session-types'
import { mxExchange, relayExchange, termsExchange } from './servers'

/** An exchange `host`, on the terms of a section `NAME!host` or, with `@`, a relay of that name; an address after `/`. */
function candidate(text: string, nextMx: NextMx = 'connection'): Candidate {
  const [server = '', address = '192.0.2.1'] = text.split('/')
  const [host = '', terms] = server.split('!').toReversed()
  const direct = terms === undefined ? mxExchange(host) : termsExchange(terms, host)
  const exchange = host.startsWith('@') ? relayExchange({ host: host.slice(1), name: host.slice(1) }) : direct
  return { exchange: { ...exchange, terms: { ...exchange.terms, nextMx } }, address }
}

/** What the world says to one server: `ok`, or why not. */
type Answers = Readonly<Record<string, readonly (Unavailable['why'] | 'ok')[]>>

/** An attempt: its plan, and the answers of its servers. */
export interface AttemptSetup extends Partial<Omit<AttemptPlan<Candidate>, 'candidates' | 'fallbackRelays'>> {
  readonly candidates: readonly string[]
  readonly nextMx?: NextMx
  /** Answers to each `acquire`, in order; the last holds on. */
  readonly answers?: Answers
  /** Fallback relays, and whether each can be used. */
  readonly fallbackRelays?: Readonly<Record<string, boolean>>
}

/** What it shows, the attempt, what happens at each connection, and the steps. */
export type AttemptCase = readonly [
  what: string,
  setup: AttemptSetup,
  events: readonly string[],
  steps: readonly string[],
]

/** A failure as `KIND [STAGE [clear]]`. */
function failure(text: string): SessionFailure {
  const [kind, stage = 'greeting', clear] = text.split(' ')
  return {
    stage: stage as SessionFailure['stage'],
    kind: kind as SessionFailure['kind'],
    message: `it said ${text}`,
    mayGoClear: clear === 'clear',
    polite: false,
  }
}

/** Plays an attempt: events in, a line for each step and each report to a relay out. */
export class AttemptPlay {
  readonly lines: string[] = []
  readonly #attempt: AttemptPolicy<Candidate>
  readonly #setup: AttemptSetup
  readonly #asked = new Map<string, number>()
  #current: Candidate | undefined

  constructor(setup: AttemptSetup) {
    this.#setup = setup
    const { candidates, fallbackRelays = {}, nextMx = 'connection', ...plan } = setup
    this.#attempt = new AttemptPolicy(
      {
        source: 'overrides',
        passedOver: [],
        ...plan,
        candidates: candidates.map((text) => candidate(text, nextMx)),
        fallbackRelays: Object.keys(fallbackRelays).map((host) => relayExchange({ host })),
      },
      {
        look: ({ endpoint: { host } }) =>
          fallbackRelays[host] === true
            ? { usable: true }
            : { usable: false, why: 'breaker', message: `${host} is left out` },
        leave: (lease) => lease?.end(false),
      },
    )
  }

  #answer(exchange: Exchange, lastResort: boolean): Lease | Unavailable {
    const { host } = exchange.endpoint
    const asked = this.#asked.get(host) ?? 0
    this.#asked.set(host, asked + 1)
    const answers = this.#setup.answers?.[host] ?? ['ok']
    const answer = lastResort ? 'ok' : (answers[Math.min(asked, answers.length - 1)] ?? 'ok')
    if (answer !== 'ok') return { usable: false, why: answer, message: `${host}: ${answer}` }
    let at = host
    return {
      reportSuccess: () => this.lines.push(`success ${at}`),
      reportFailure: ({ message }) => this.lines.push(`failure ${at}: ${message}`),
      moveTo: (next) => {
        const refused = this.#answer(next, false)
        if (isUnavailable(refused)) return refused
        at = next.endpoint.host
        this.lines.push(`move to ${at}`)
        return undefined
      },
      end: () => this.lines.push(`end ${at}`),
    }
  }

  next(): this {
    for (;;) {
      const step = this.#attempt.next()
      switch (step.kind) {
        case 'acquire':
          if (step.lastResort) this.lines.push(`last resort ${step.exchange.endpoint.host}`)
          this.#attempt.noteAcquired(this.#answer(step.exchange, step.lastResort))
          continue
        case 'move': {
          const moved = step.lease.moveTo(step.exchange)
          assert.ok(!(moved instanceof Promise))
          this.#attempt.noteMoved(moved)
          continue
        }
        case 'connect':
          this.#current = step.candidate
          this.lines.push(
            `connect ${step.candidate.exchange.endpoint.host}/${step.candidate.address}${step.inClear ? ' in clear' : ''}`,
          )
          return this
        case 'requeue': {
          const { reason, seconds } = step
          const when = seconds === undefined ? '' : ` in ${seconds} s`
          this.lines.push(`requeue${when}: ${reason}`)
          return this
        }
        case 'wait': {
          const { reason, waitFor } = step
          const whom = waitFor.length === 0 ? '' : ` for ${waitFor.map(exchangeKey).join(' ')}`
          this.lines.push(`wait${whom}: ${reason}`)
          return this
        }
        case 'give-back':
          this.lines.push(`give back: ${step.reason}`)
          return this
      }
    }
  }

  /** What happens to the current connection, and what follows. */
  on(event: string): this {
    this.#attempt.noteConnecting()
    if (event !== 'no connection') this.#attempt.noteConnected()
    if (event.startsWith('served')) this.#attempt.noteSuccess()
    const [, failed] = /^(?:served, )?failed (.*)$/.exec(event) ?? []
    if (failed !== undefined) this.#attempt.noteFailure(failure(failed), this.#current!)
    if (event === 'served') {
      this.#attempt.end()
      return this
    }
    return this.next()
  }

  /** Haraka went on without connecting, as for a local address. */
  skip(): this {
    return this.next()
  }
}

/** Plays an attempt to its end. @returns a line for each step and each report to a relay */
export function playAttempt(setup: AttemptSetup, ...events: readonly string[]): readonly string[] {
  const game = new AttemptPlay(setup).next()
  for (const event of events) game.on(event)
  return game.lines
}
