import { createHash } from 'node:crypto'
import type { OAuth2Client, TokenState } from '../model/oauth2'
import { exchangeLabel } from '../model/exchange'
import { oauth2Of, type Relay } from '../model/relay'
import type { Secret } from '../model/secret'
import type { RequestToken } from './token-request'
import { TokenSource } from './token-source'

/** The parts that a store needs. */
export interface TokenStoreParts {
  readonly request: RequestToken
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Logs one line for the whole server. */
  readonly warn: (message: string) => void
}

/** The access tokens of one process, by their clients: relays with the same client share one. In memory only. */
export class TokenStore {
  readonly #parts: TokenStoreParts
  readonly #sources = new Map<string, TokenSource>()
  readonly #byClient = new WeakMap<OAuth2Client, TokenSource>()

  constructor(parts: TokenStoreParts) {
    this.#parts = parts
  }

  /** The token for a relay. Asks for one if that is needed. Undefined for a relay without a token. */
  look(relay: Relay): TokenState | undefined {
    return this.#sourceOf(relay)?.look()
  }

  /** The relay has accepted this token. */
  accept(relay: Relay, token: Secret): void {
    this.#sourceOf(relay)?.accept(token)
  }

  /**
   * The relay has refused this token.
   *
   * @returns is there another to try? See {@link TokenSource.refuse}
   */
  refuse(relay: Relay, token: Secret): boolean {
    return this.#sourceOf(relay)?.refuse(token) ?? false
  }

  /** Forgets the tokens of all other relays. A client that has not changed keeps its token, and the refresh token that it was given. */
  retain(relays: readonly Relay[]): void {
    const clients = relays.flatMap((relay) => oauth2Of(relay) ?? [])
    const keys = new Set(clients.map(keyOf))
    for (const key of this.#sources.keys()) if (!keys.has(key)) this.#sources.delete(key)
  }

  #sourceOf(relay: Relay): TokenSource | undefined {
    const client = oauth2Of(relay)
    if (client === undefined) return undefined
    const known = this.#byClient.get(client)
    if (known !== undefined) return known
    const key = keyOf(client)
    const source = this.#sources.get(key) ?? this.#open(client, relay)
    this.#sources.set(key, source)
    this.#byClient.set(client, source)
    return source
  }

  #open(client: OAuth2Client, relay: Relay): TokenSource {
    const { request, now, warn } = this.#parts
    const label = exchangeLabel({ endpoint: relay.endpoint, relay })
    const { host } = new URL(client.tokenUrl)
    return new TokenSource({
      client,
      request,
      now,
      onRotation: () =>
        warn(
          `${label}: ${host} has given a new refresh token in place of the one in the configuration. It is kept in memory only: ` +
            'write a new one into the configuration before Haraka is restarted if the old one is no longer valid',
        ),
    })
  }
}

/** Distinguishes one client from another. No secret can be read from it. */
function keyOf({ tokenUrl, clientId, clientSecret, refreshToken, scope }: OAuth2Client): string {
  const parts = [tokenUrl, clientId, clientSecret?.reveal(), refreshToken?.reveal(), scope]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}
