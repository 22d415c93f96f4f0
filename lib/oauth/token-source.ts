import { HOUR_MS } from '../model/duration'
import type { OAuth2Client, TokenState } from '../model/oauth2'
import type { Secret } from '../model/secret'
import type { RequestToken, TokenGrant } from './token-request'
import { TokenError } from './token-error'

/** The parts that a source needs. */
export interface TokenSourceParts {
  readonly client: OAuth2Client
  readonly request: RequestToken
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Called once, when the endpoint replaces the refresh token: the one in the configuration may become invalid. */
  readonly onRotation: () => void
}

/** Lifetime of a token if its endpoint does not say it, milliseconds. */
const DEFAULT_LIFETIME = HOUR_MS
/** The shortest time for which a token is used, whatever its endpoint says: otherwise each message might ask for another. Milliseconds. */
const SHORTEST_USE = 30_000
/** The last part of a token's lifetime, in which the next one is requested while it is still in use. */
const RENEWAL_PART = 0.2
/** The same, at most. Milliseconds. */
const LONGEST_RENEWAL = 300_000
/** Time until an endpoint that failed is asked again: the first, doubling up to the second. Milliseconds. */
const FIRST_PAUSE = 5_000
const LONGEST_PAUSE = 60_000

interface Held {
  readonly token: Secret
  readonly renewAt: number
  readonly end: number
  /** Until then a refusal does not replace it: at most one new token in that time. */
  readonly keepUntil: number
  /** It was requested because a server refused the one before, and no server has accepted it yet. */
  isReplacement: boolean
  isRefused: boolean
}

interface FailedRequest {
  readonly message: string
  readonly until: number
}

/**
 * The access token of one client, in memory only.
 *
 * 1. A token is used until it expires. In the last part of its lifetime the next one is requested, while it is still in use.
 * 2. There is one request at a time, however many messages wait for it.
 * 3. A failure is remembered for a while, or for as long as the endpoint says. Until then no message asks it again.
 * 4. A token that a server refuses is replaced once. If the next one is refused too, the refusal stands, until a later attempt asks again.
 *
 * There is no timer: without mail no token is renewed.
 */
export class TokenSource {
  readonly #parts: TokenSourceParts
  #refreshToken: Secret | undefined
  #held: Held | undefined
  #failure: FailedRequest | undefined
  #failures = 0
  #pending: Promise<void> | undefined
  #hasRotated = false

  constructor(parts: TokenSourceParts) {
    this.#parts = parts
    this.#refreshToken = parts.client.refreshToken
  }

  /** The current token. Asks the endpoint if that is needed. */
  look(): TokenState {
    const now = this.#parts.now()
    const held = this.#held
    if (held !== undefined && now < held.end && !held.isRefused) {
      if (now >= held.renewAt && !this.#isPaused(now)) this.#ask(false)
      return { kind: 'ready', token: held.token }
    }
    if (this.#pending !== undefined) return { kind: 'pending', settled: this.#pending }
    const failure = this.#failure
    if (failure !== undefined && this.#isPaused(now)) return { kind: 'failed', message: failure.message }
    if (held?.isRefused === true && now < held.keepUntil) {
      return {
        kind: 'failed',
        message: 'it has just refused the token, and it is too early to ask for another',
      }
    }
    return { kind: 'pending', settled: this.#ask(held?.isRefused ?? false) }
  }

  /** A server has accepted this token. */
  accept(token: Secret): void {
    if (this.#held?.token === token) this.#held.isReplacement = false
  }

  /**
   * A server has refused this token.
   *
   * @returns true if there is another, or one has been requested; false if the refusal stands
   */
  refuse(token: Secret): boolean {
    const held = this.#held
    if (held === undefined || held.token !== token) return true
    if (held.isRefused) return this.#pending !== undefined
    held.isRefused = true
    if (held.isReplacement) return false
    this.#ask(true)
    return true
  }

  #isPaused(now: number): boolean {
    return this.#failure !== undefined && now < this.#failure.until
  }

  #ask(isReplacement: boolean): Promise<void> {
    const { request, client } = this.#parts
    const refreshToken = this.#refreshToken
    this.#pending ??= request(refreshToken === undefined ? client : { ...client, refreshToken })
      .then(
        (grant) => this.#take(grant, isReplacement),
        (error: unknown) => this.#fail(error),
      )
      .finally(() => (this.#pending = undefined))
    return this.#pending
  }

  #take({ token, lifetimeMs = DEFAULT_LIFETIME, refreshToken }: TokenGrant, isReplacement: boolean): void {
    const now = this.#parts.now()
    const lifetime = Math.max(lifetimeMs, SHORTEST_USE)
    this.#held = {
      token,
      renewAt: now + lifetime - Math.min(lifetime * RENEWAL_PART, LONGEST_RENEWAL),
      end: now + lifetime,
      keepUntil: now + SHORTEST_USE,
      isReplacement,
      isRefused: false,
    }
    this.#failure = undefined
    this.#failures = 0
    if (refreshToken === undefined || refreshToken.reveal() === this.#refreshToken?.reveal()) return
    this.#refreshToken = refreshToken
    if (this.#hasRotated) return
    this.#hasRotated = true
    this.#parts.onRotation()
  }

  #fail(error: unknown): void {
    const { tokenUrl } = this.#parts.client
    const pause = Math.min(FIRST_PAUSE * 2 ** Math.min(this.#failures++, 10), LONGEST_PAUSE)
    const wait = error instanceof TokenError ? (error.retryAfterMs ?? pause) : pause
    const reason = error instanceof Error ? error.message : String(error)
    this.#failure = {
      message: `no token: ${new URL(tokenUrl).host} ${reason}`,
      until: this.#parts.now() + wait,
    }
  }
}
