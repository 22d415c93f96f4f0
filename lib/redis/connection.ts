import { toPrintable } from '../model/printable'
import type { RedisClient } from './client'
import { RedisError } from './errors'
import { createScript, type Script } from './script'

/** Redis, as the other files of this room see it. */
export interface RedisConnection {
  /** Would a script be sent now? */
  readonly isReady: boolean
  /** Has a reply just been late? Then Redis may still carry out the call. If it stays slow, it counts as gone. */
  readonly isLate: boolean
  /** How many connections there have been: a new one may lead to another Redis. */
  readonly serial: number
  /**
   * Runs a script.
   *
   * @param onLate called with a reply that comes after this has rejected
   * @returns its reply, unchecked
   * @throws RedisError if there is no connection, too many scripts are under way, no reply comes in time, or Redis refuses
   */
  run(
    script: Script,
    keys: readonly string[],
    values: readonly string[],
    onLate?: (reply: unknown) => void,
  ): Promise<unknown>
  /** Calls the listener whenever scripts can be run after they could not. */
  onReady(listener: () => void): void
  close(): void
}

export interface RedisConnectionOptions {
  /** Makes a client that is not connected. @throws RedisError */
  readonly createClient: () => RedisClient
  /** Called once when Redis stops working, with the reason. */
  readonly onGone: (why: string) => void
  /** Called once when it works again. */
  readonly onBack: () => void
  /** From 0 to 1, so that the processes do not all connect at the same moment. */
  readonly random?: () => number
  /** @default 100 ms */
  readonly patienceMs?: number
}

/** A script that takes longer is not waited for. */
const PATIENCE_MS = 100
/** Time between probes after a late reply. Nothing else is sent then. */
const SLOW_MS = 1_000
/** Time after which a silent connection is closed. */
const SILENCE_MS = 3_000
/** The longest time to connect and to log in. */
const CONNECT_MS = 3_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1_000
/** Scripts under way at once. */
const MOST_PENDING = 1_000
const LONGEST_REASON = 200

const CONNECTING = 'connection'
/** Is Redis still slow? */
const PROBE = createScript('probe', 'return now', { isRegular: false })

/** Text of an error of node-redis or Redis. */
function reasonOf(error: unknown): string {
  // Node puts several addresses of one host that all fail into an error without text of its own.
  const inner = error instanceof AggregateError ? (error.errors as unknown[])[0] : error
  const text = inner instanceof Error ? inner.message || inner.name : String(inner)
  return toPrintable(text, { max: LONGEST_REASON })
}

/** The text of Redis 6 and later for a command, and for a command in a script. */
const isRightMissing = (why: string): boolean =>
  /^(?:NOPERM|ERR The user executing the script|ERR ACL failure)/.test(why)

/** A script that was sent and has no reply yet. */
interface Question {
  isLate: boolean
  /** Nobody waits for the reply any longer. */
  giveUp: () => void
}

async function evaluate(client: RedisClient, script: Script, values: readonly string[]): Promise<unknown> {
  try {
    return await client.sendCommand(['EVALSHA', script.sha1, ...values])
  } catch (error) {
    // A Redis that was restarted has no scripts.
    if (!reasonOf(error).startsWith('NOSCRIPT')) throw error
    return client.sendCommand(['EVAL', script.source, ...values])
  }
}

/**
 * Opens a connection in the background, and another whenever it is lost. Nothing waits for it: what cannot be asked now fails at
 * once. node-redis' own reconnecting is not used: it goes on with a connection on which replies no longer fit their questions.
 */
export function openConnection(options: RedisConnectionOptions): RedisConnection {
  return new LiveConnection(options)
}

/*
 *   connecting --> ready --(a reply is late)--> slow --(a probe is answered in time)--> ready
 *        ^           |                            |
 *        +-- lost <--+----------------------------+
 */
class LiveConnection implements RedisConnection {
  readonly #options: RedisConnectionOptions
  readonly #listeners: (() => void)[] = []
  /** What does not work: names of scripts, or the connection itself. */
  readonly #failing = new Set<string>()
  /** Rarely run scripts for which a right is missing. That the right is back is seen only when other scripts work again. */
  readonly #forbidden = new Set<string>()
  #client: RedisClient | undefined
  #isConnected = false
  #serial = 0
  /** A reply was late: only probes are sent. */
  #isSlow = false
  #isLate = false
  #isClosed = false
  #pending = new Set<Question>()
  #failures = 0
  #silence: NodeJS.Timeout | undefined

  constructor(options: RedisConnectionOptions) {
    this.#options = options
    void this.#connect()
  }

  get isReady(): boolean {
    return this.#isConnected && !this.#isSlow && !this.#isClosed
  }

  get isLate(): boolean {
    return this.#isLate
  }

  get serial(): number {
    return this.#serial
  }

  onReady(listener: () => void): void {
    this.#listeners.push(listener)
  }

  async run(
    script: Script,
    keys: readonly string[],
    values: readonly string[],
    onLate: (reply: unknown) => void = () => {},
  ): Promise<unknown> {
    const client = this.#client
    if (client === undefined || !this.isReady) throw new RedisError('Redis is gone')
    if (this.#pending.size >= MOST_PENDING) throw new RedisError('too many questions to Redis are under way')
    return this.#ask(client, script, [String(keys.length), ...keys, ...values], onLate)
  }

  close(): void {
    this.#isClosed = true
    this.#drop()
  }

  get #isGone(): boolean {
    return this.#failing.size + this.#forbidden.size > 0
  }

  get #patienceMs(): number {
    return this.#options.patienceMs ?? PATIENCE_MS
  }

  async #ask(
    client: RedisClient,
    script: Script,
    values: readonly string[],
    onLate: (reply: unknown) => void = () => {},
  ): Promise<unknown> {
    const question: Question = { isLate: false, giveUp: () => {} }
    const late = new Promise<never>((_done, fail) => {
      question.giveUp = () => fail(new RedisError(`no reply within ${this.#patienceMs} ms`))
    })
    // In two steps: a process that was busy for long still listens for the second one.
    const wait = (then: () => void) => setTimeout(then, this.#patienceMs / 2)
    let timer = wait(() => (timer = wait(() => this.#noteLate(client, question))))
    this.#pending.add(question)
    const reply = evaluate(client, script, values).finally(() => {
      clearTimeout(timer)
      this.#noteReply(client, question)
    })
    try {
      const value = await Promise.race([reply, late])
      // A new connection proves nothing: a process that is stopped accepts connections too.
      this.#note(CONNECTING)
      this.#note(script.name)
      return value
    } catch (error) {
      const why = reasonOf(error)
      if (script.isRegular) this.#note(script.name, why)
      else if (isRightMissing(why)) this.#note(script.name, why, this.#forbidden)
      reply.then(onLate).catch(() => {})
      throw new RedisError(why, error)
    }
  }

  /** Redis answers the questions in order, so nobody waits any longer. */
  #noteLate(client: RedisClient, question: Question): void {
    if (client !== this.#client || !this.#pending.has(question) || question.isLate) return
    for (const each of this.#pending) {
      each.isLate = true
      each.giveUp()
    }
    // A probe that is late says that Redis stays slow.
    this.#isLate = !this.#isSlow
    this.#isSlow = true
    this.#silence = setTimeout(() => this.#lose(client, 'it does not answer'), SILENCE_MS).unref()
    this.#note(CONNECTING, `no reply within ${this.#patienceMs} ms`)
  }

  #noteReply(client: RedisClient, question: Question): void {
    if (client !== this.#client) return
    this.#pending.delete(question)
    if (this.#pending.size > 0 || !this.#isSlow) return
    clearTimeout(this.#silence)
    if (question.isLate) {
      setTimeout(() => this.#probe(client), SLOW_MS).unref()
      return
    }
    this.#isSlow = false
    this.#isLate = false
    this.#announce()
  }

  /** So that no message has to find out whether Redis is still slow. */
  #probe(client: RedisClient): void {
    if (client === this.#client) this.#ask(client, PROBE, ['0']).catch(() => {})
  }

  async #connect(): Promise<void> {
    if (this.#isClosed) return
    let client: RedisClient
    try {
      client = this.#options.createClient()
    } catch (error) {
      this.#note(CONNECTING, reasonOf(error))
      return
    }
    this.#client = client
    client.on('error', (error) => this.#lose(client, reasonOf(error)))
    client.unref()
    const timer = setTimeout(() => this.#lose(client, 'no connection in time'), CONNECT_MS).unref()
    try {
      await client.connect()
      if (client !== this.#client) return
      this.#isConnected = true
      this.#serial++
      this.#failures = 0
      this.#announce()
    } catch (error) {
      this.#lose(client, reasonOf(error))
    } finally {
      clearTimeout(timer)
    }
  }

  /** The connection cannot be used any more. Another is opened. */
  #lose(client: RedisClient, why: string): void {
    if (client !== this.#client) return
    this.#drop()
    this.#note(CONNECTING, why)
    if (this.#isClosed) return
    const { random = Math.random } = this.#options
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures++, LONGEST_PAUSE_MS)
    setTimeout(() => void this.#connect(), pause * (0.5 + random() / 2)).unref()
  }

  #drop(): void {
    const client = this.#client
    this.#client = undefined
    this.#isConnected = false
    this.#isSlow = false
    this.#isLate = false
    this.#pending = new Set()
    clearTimeout(this.#silence)
    try {
      client?.destroy()
    } catch {
      // It has closed itself.
    }
  }

  #announce(): void {
    for (const listener of this.#listeners) listener()
  }

  /** @param why it does not work; undefined: it does */
  #note(what: string, why?: string, where = this.#failing): void {
    const wasGone = this.#isGone
    this.#forbidden.delete(what)
    if (why !== undefined) where.add(what)
    else if (this.#failing.delete(what)) this.#forbidden.clear()
    const isGone = this.#isGone
    if (isGone && !wasGone && !this.#isClosed) this.#options.onGone(why ?? '')
    if (!isGone && wasGone && !this.#isClosed) this.#options.onBack()
  }
}
