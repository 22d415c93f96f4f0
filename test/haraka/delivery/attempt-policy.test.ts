import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AttemptPolicy } from '../../../lib/haraka/delivery/attempt-policy'
import type { AttemptPlan, Candidate } from '../../../lib/haraka/delivery/attempt-types'
import { exchangeKey, type Exchange } from '../../../lib/model/exchange'
import { Secret } from '../../../lib/model/secret'
import type { NextMx } from '../../../lib/model/terms'
import { isUnavailable, type Lease, type Unavailable } from '../../../lib/relays/types'
import type { SessionFailure } from '../../../lib/smtp/session-types'
import { mxExchange, relayExchange, termsExchange } from '../../support/servers'

const NOW = 1_000_000

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

interface Setup extends Partial<Omit<AttemptPlan<Candidate>, 'candidates' | 'fallbackRelays'>> {
  readonly candidates: readonly string[]
  readonly nextMx?: NextMx
  /** Answers to each `acquire`, in order; the last holds on. */
  readonly answers?: Answers
  /** When a limit ends, milliseconds from now. */
  readonly until?: number
  /** Fallback relays, and whether each can be used. */
  readonly fallbackRelays?: Readonly<Record<string, boolean>>
}

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
class Play {
  readonly lines: string[] = []
  readonly #attempt: AttemptPolicy<Candidate>
  readonly #setup: Setup
  readonly #asked = new Map<string, number>()
  #current: Candidate | undefined

  constructor(setup: Setup) {
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
        now: () => NOW,
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
    const { until } = this.#setup
    if (answer !== 'ok') {
      return {
        usable: false,
        why: answer,
        message: `${host}: ${answer}`,
        ...(until === undefined ? {} : { until: NOW + until }),
      }
    }
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
          const { reason, seconds, waitFor } = step
          const when = seconds === undefined ? '' : ` in ${seconds} s`
          const whom = waitFor.length === 0 ? '' : `, or for ${waitFor.map(exchangeKey).join(' ')}`
          this.lines.push(`requeue${when}${whom}: ${reason}`)
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

const play = (setup: Setup, ...events: readonly string[]) => {
  const game = new Play(setup).next()
  for (const event of events) game.on(event)
  return game.lines
}

for (const [what, setup, events, expected] of [
  ['the first exchange takes the message', { candidates: ['a', 'b'] }, ['served'], ['connect a/192.0.2.1']],
  [
    'a connection-stage failure moves on to the next address, and then to the next exchange',
    { candidates: ['a/192.0.2.1', 'a/192.0.2.2', 'b'] },
    ['failed connection', 'no connection', 'served'],
    ['connect a/192.0.2.1', 'connect a/192.0.2.2', 'connect b/192.0.2.1'],
  ],
  [
    'with no exchange left the message is given back, with what each said',
    { candidates: ['a', 'b'] },
    ['failed connection', 'no connection'],
    [
      'connect a/192.0.2.1',
      'connect b/192.0.2.1',
      'give back: a:25: it said connection; b:25: no connection (b:25)',
    ],
  ],
  [
    'of many failures the last three are named',
    { candidates: ['a', 'b', 'c', 'd', 'e'] },
    Array(5).fill('failed connection'),
    [
      ...['a', 'b', 'c', 'd', 'e'].map((host) => `connect ${host}/192.0.2.1`),
      'give back: c:25: it said connection; d:25: it said connection; e:25: it said connection; and 2 before',
    ],
  ],
  [
    'next_mx = no_answer: a server that does not answer moves on, one that fails ends the list',
    { candidates: ['a', 'b', 'c'], nextMx: 'no_answer' },
    ['no connection', 'failed connection'],
    [
      'connect a/192.0.2.1',
      'connect b/192.0.2.1',
      'give back: a:25: no connection (a:25); b:25: it said connection',
    ],
  ],
  [
    'next_mx = no_answer: a connection lost after the server had accepted ends the list too',
    { candidates: ['a', 'b'], nextMx: 'no_answer' },
    ['served, failed connection data'],
    ['connect a/192.0.2.1', 'give back: a:25: it said connection data'],
  ],
  [
    'next_mx = temporary: a 4xx moves on, and is not held against the relay',
    { candidates: ['@a', 'b'], nextMx: 'temporary' },
    ['served, failed temporary rcpt', 'served'],
    ['connect a/192.0.2.1', 'success a', 'end a', 'connect b/192.0.2.1'],
  ],
  [
    'TLS that broke is left out once, at the same address, before all others',
    { candidates: ['a', 'b'] },
    ['failed connection tls clear', 'failed connection', 'served'],
    ['connect a/192.0.2.1', 'connect a/192.0.2.1 in clear', 'connect b/192.0.2.1'],
  ],
  [
    'TLS that broke at a relay does not count against it if the message goes in clear',
    { candidates: ['@a'] },
    ['failed connection tls clear', 'served'],
    ['connect a/192.0.2.1', 'connect a/192.0.2.1 in clear', 'success a', 'end a'],
  ],
  [
    'a relay has one lease over all its addresses, and fails if the last of them does',
    { candidates: ['@a/192.0.2.1', '@a/192.0.2.2', 'b'] },
    ['failed connection', 'failed connection', 'served'],
    [
      'connect a/192.0.2.1',
      'connect a/192.0.2.2',
      'failure a: it said connection',
      'end a',
      'connect b/192.0.2.1',
    ],
  ],
  [
    'one dead address says nothing against a relay whose other address answers',
    { candidates: ['@a/192.0.2.1', '@a/192.0.2.2'] },
    ['no connection', 'served'],
    ['connect a/192.0.2.1', 'connect a/192.0.2.2', 'success a', 'end a'],
  ],
  [
    'a refused password is refused at every address',
    { candidates: ['@a/192.0.2.1', '@a/192.0.2.2', 'b'] },
    ['failed connection auth', 'served'],
    ['connect a/192.0.2.1', 'failure a: it said connection auth', 'end a', 'connect b/192.0.2.1'],
  ],
  [
    'authentication asked for at a later recipient counts against the relay',
    { candidates: ['@a'] },
    ['served, failed connection auth'],
    [
      'connect a/192.0.2.1',
      'success a',
      'failure a: it said connection auth',
      'end a',
      'give back: relay a: it said connection auth',
    ],
  ],
  [
    'a connection lost after the relay had accepted does not count against it',
    { candidates: ['@a', 'b'] },
    ['served, failed connection data', 'served'],
    ['connect a/192.0.2.1', 'success a', 'end a', 'connect b/192.0.2.1'],
  ],
  [
    'a relay that is left out is passed over',
    { candidates: ['@a', 'b'], answers: { a: ['breaker'] } },
    ['served'],
    ['connect b/192.0.2.1'],
  ],
  [
    'last resort: with every exchange left out by its breaker, the best is tried',
    { candidates: ['@a', '@b'], answers: { a: ['breaker'], b: ['breaker'] } },
    ['failed connection'],
    [
      'last resort a',
      'connect a/192.0.2.1',
      'failure a: it said connection',
      'end a',
      'give back: relay a: it said connection',
    ],
  ],
  [
    'no last resort where another exchange was tried',
    { candidates: ['@a', 'b'], answers: { a: ['breaker'] } },
    ['failed connection'],
    ['connect b/192.0.2.1', 'give back: b:25: it said connection'],
  ],
  [
    'a relay at its limit is waited for, and not longer than it is known to last',
    { candidates: ['@a'], answers: { a: ['connections'] }, until: 5_000 },
    [],
    ['requeue in 5 s, or for a:25: a: connections'],
  ],
  [
    'a quota is waited out',
    { candidates: ['@a'], answers: { a: ['quota'] }, until: 60_000 },
    [],
    ['requeue in 60 s: a: quota'],
  ],
  [
    'a relay that is held is looked at again after five minutes',
    { candidates: ['@a'], answers: { a: ['held'] } },
    [],
    ['requeue in 300 s: a: held'],
  ],
  [
    'a breaker beside a hold: the best that is left out by its breaker is tried',
    { candidates: ['@a', '@b'], answers: { a: ['held'], b: ['breaker'] } },
    ['served'],
    ['last resort b', 'connect b/192.0.2.1', 'success b', 'end b'],
  ],
  [
    'a breaker beside a full relay: no last resort, because there will be room',
    { candidates: ['@a', '@b'], answers: { a: ['breaker'], b: ['connections'] }, until: 2_000 },
    [],
    ['requeue in 2 s, or for b:25: b: connections'],
  ],
  [
    'where another exchange failed, a full relay is still waited for, and nothing is counted',
    { candidates: ['@a', 'b'], answers: { a: ['connections'] }, until: 2_000 },
    ['failed connection'],
    ['connect b/192.0.2.1', 'requeue in 2 s, or for a:25: a: connections'],
  ],
  [
    '[attempts]: a relay that fails by its own fault is not an attempt, another takes its place at once',
    { candidates: ['@a'], source: 'attempts', fallbackRelays: { b: true } },
    ['failed connection'],
    [
      'connect a/192.0.2.1',
      'failure a: it said connection',
      'end a',
      'requeue in 0 s: the relay failed, not the recipient; another is tried next',
    ],
  ],
  [
    '[attempts]: with no other relay the message waits for Haraka’s own interval',
    { candidates: ['@a'], source: 'attempts', fallbackRelays: { b: false } },
    ['failed connection'],
    [
      'connect a/192.0.2.1',
      'failure a: it said connection',
      'end a',
      'requeue: the relay failed, not the recipient',
    ],
  ],
  [
    '[attempts]: another relay is taken where the chosen one is full',
    { candidates: ['@a'], source: 'attempts', answers: { a: ['quota'] }, fallbackRelays: { b: true } },
    [],
    ['requeue in 0 s: a: quota'],
  ],
  [
    '[attempts]: a direct attempt that fails is an attempt',
    { candidates: ['a'], source: 'attempts', fallbackRelays: { b: true } },
    ['failed connection'],
    ['connect a/192.0.2.1', 'give back: a:25: it said connection'],
  ],
  [
    '[attempts]: a direct attempt on terms is an attempt too, though its server is left out for a while',
    { candidates: ['ms!a'], source: 'attempts', fallbackRelays: { b: true } },
    ['failed connection'],
    ['connect a/192.0.2.1', 'failure a: it said connection', 'end a', 'give back: a:25: it said connection'],
  ],
  [
    'the place in a section is kept over its exchanges',
    { candidates: ['ms!a/192.0.2.1', 'ms!a/192.0.2.2', 'ms!b', 'c'] },
    ['failed connection', 'no connection', 'failed connection', 'served'],
    [
      'connect a/192.0.2.1',
      'connect a/192.0.2.2',
      'failure a: no connection (a:25)',
      'move to b',
      'connect b/192.0.2.1',
      'failure b: it said connection',
      'end b',
      'connect c/192.0.2.1',
    ],
  ],
  [
    'one server of a section that is left out says nothing of the others, and the place is kept meanwhile',
    { candidates: ['ms!a', 'ms!b', 'ms!c'], answers: { b: ['breaker'] } },
    ['failed connection', 'served'],
    [
      'connect a/192.0.2.1',
      'failure a: it said connection',
      'move to c',
      'connect c/192.0.2.1',
      'success c',
      'end c',
    ],
  ],
  [
    'with every server of a section left out, the best is tried',
    { candidates: ['ms!a', 'ms!b'], answers: { a: ['breaker'], b: ['breaker'] } },
    ['served'],
    ['last resort a', 'connect a/192.0.2.1', 'success a', 'end a'],
  ],
  [
    'a section that is full is asked once for all its servers, and the next section is tried',
    { candidates: ['ms!a', '@isp', 'ms!b'], answers: { a: ['connections'] } },
    ['failed connection'],
    [
      'connect isp/192.0.2.1',
      'failure isp: it said connection',
      'end isp',
      'requeue, or for a:25: a: connections',
    ],
  ],
  [
    'a message waits for a section once, though a breaker left out another of its servers',
    { candidates: ['ms!a', 'ms!b'], answers: { a: ['breaker', 'ok'], b: ['connections'] }, until: 1_000 },
    [],
    ['requeue in 1 s, or for b:25: b: connections'],
  ],
  [
    'between two sections no place is held while another is asked for',
    { candidates: ['ms!a', 'other!b', 'ms!c'] },
    ['failed connection', 'failed connection', 'served'],
    [
      'connect a/192.0.2.1',
      'failure a: it said connection',
      'end a',
      'connect b/192.0.2.1',
      'failure b: it said connection',
      'end b',
      'connect c/192.0.2.1',
      'success c',
      'end c',
    ],
  ],
  [
    'terms that are held leave the message waiting, and nothing is counted',
    { candidates: ['ms!a', 'ms!b'], answers: { a: ['held'] } },
    [],
    ['requeue in 300 s: a: held'],
  ],
  [
    'with nothing to try, the reason names what was passed over',
    { candidates: [], passedOver: ['a:25: 127.0.0.1:25 is this server itself'] },
    [],
    ['give back: a:25: 127.0.0.1:25 is this server itself'],
  ],
] as readonly (readonly [string, Setup, readonly string[], readonly string[]])[]) {
  test(what, () => assert.deepEqual(play(setup, ...events), expected))
}

test('an address that Haraka skips as local is named, and does not count against the exchange', () => {
  const game = new Play({ candidates: ['a', 'b'], nextMx: 'no_answer' }).next().skip().skip()
  assert.deepEqual(game.lines, [
    'connect a/192.0.2.1',
    'connect b/192.0.2.1',
    'give back: a:25: it is a local address; b:25: it is a local address',
  ])
})

const TOKEN_RELAY = relayExchange({
  host: 'cloud.example',
  name: 'cloud',
  authType: 'xoauth2',
  credentials: {
    user: 'u',
    oauth2: { tokenUrl: 'https://login.example/', clientId: 'id', clientSecret: new Secret('s') },
  },
})

/** An attempt at a relay that takes a token, then at another server; what happens to the lease is noted. */
function tokenAttempt() {
  const notes: string[] = []
  const lease: Lease = {
    reportSuccess: () => notes.push('success'),
    reportFailure: ({ stage, message }) => notes.push(`failure ${stage} ${message}`),
    moveTo: () => undefined,
    end: () => {},
  }
  const cloud = { exchange: TOKEN_RELAY, address: '192.0.2.1' }
  const second = { exchange: TOKEN_RELAY, address: '192.0.2.2' }
  const other = { exchange: mxExchange('mx.example'), address: '192.0.2.3' }
  const attempt = new AttemptPolicy(
    { candidates: [cloud, second, other], source: 'overrides', fallbackRelays: [], passedOver: [] },
    { look: () => ({ usable: true }), now: () => NOW, leave: () => notes.push('left') },
  )
  assert.equal(attempt.next().kind, 'acquire')
  attempt.noteAcquired(lease)
  assert.deepEqual(attempt.next(), { kind: 'token', candidate: cloud })
  return { attempt, notes, cloud, other }
}

test('while a token is requested the connection is given back, and no failure is reported', () => {
  const { attempt, notes } = tokenAttempt()
  const settled = Promise.resolve()
  attempt.noteToken({ kind: 'pending', settled })
  assert.deepEqual(attempt.next(), { kind: 'await-token', reason: 'relay cloud needs a token', settled })
  assert.deepEqual(notes, ['left'])
})

test('without a token the relay fails at all its addresses, and the next exchange is tried', () => {
  const { attempt, notes, other } = tokenAttempt()
  attempt.noteToken({ kind: 'failed', message: 'no token: it is down' })
  assert.deepEqual(attempt.next(), { kind: 'connect', candidate: other, inClear: false })
  assert.deepEqual(notes, ['failure auth no token: it is down', 'left'])
})

test('after a refused token a new one is requested for the same address', () => {
  const { attempt, notes, cloud } = tokenAttempt()
  attempt.noteToken({ kind: 'ready', token: new Secret('t') })
  assert.deepEqual(attempt.next(), { kind: 'connect', candidate: cloud, inClear: false })
  attempt.noteConnecting()
  attempt.noteConnected()
  attempt.noteRefusedToken(cloud)
  assert.deepEqual(attempt.next(), { kind: 'token', candidate: cloud })
  attempt.noteToken({ kind: 'ready', token: new Secret('u') })
  assert.deepEqual(attempt.next(), { kind: 'connect', candidate: cloud, inClear: false })
  assert.deepEqual(notes, [])
})
