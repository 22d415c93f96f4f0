import type { OAuth2Client } from '../model/oauth2'
import { Secret } from '../model/secret'
import { httpsPost, type PostOptions } from './https-post'
import { TokenError } from './token-error'

/** Time that a token endpoint has to answer a running server, where messages wait for it. */
export const TOKEN_TIMEOUT_MS = 15_000

/** What a token endpoint gave (RFC 6749 section 5.1). */
export interface TokenGrant {
  readonly token: Secret
  /** How long it is valid, milliseconds; absent if the endpoint does not say. */
  readonly lifetimeMs?: number
  /** Its scope; absent if it is the one that was asked for. */
  readonly scope?: string
  /** It replaces the one that was used; absent if that stays valid. */
  readonly refreshToken?: Secret
}

/** Asks the token endpoint of a client once. Rejects with a TokenError. */
export type RequestToken = (client: OAuth2Client) => Promise<TokenGrant>

type Library = typeof import('oauth4webapi', { with: { 'resolution-mode': 'import' } })

/** A token that can be sent to a server: RFC 6750 section 2.1. */
const BEARER = /^[A-Za-z0-9\-._~+/]+=*$/
/** The longest time that an endpoint may ask for before the next request, seconds. */
const LONGEST_WAIT = 3600

/** A {@link RequestToken} over HTTPS. The library is an ES module, so it is only loaded when the first token is needed. */
export function createTokenRequest(options: PostOptions): RequestToken {
  return async (client) => {
    const library = await import('oauth4webapi')
    const response = await send(library, client, options).catch((error: unknown) => {
      throw error instanceof TokenError
        ? error
        : new TokenError(`cannot be asked: ${(error as Error).message}`)
    })
    return readGrant(library, client, response)
  }
}

const metadataOf = ({ tokenUrl, clientId }: OAuth2Client) => ({
  server: { issuer: new URL(tokenUrl).origin, token_endpoint: tokenUrl },
  client: { client_id: clientId },
})

function send(library: Library, client: OAuth2Client, options: PostOptions): Promise<Response> {
  const { clientSecret, refreshToken, scope } = client
  const { server, client: id } = metadataOf(client)
  // In the body (RFC 6749 section 2.3.1), as Google and Microsoft document it.
  const authentication =
    clientSecret === undefined ? library.None() : library.ClientSecretPost(clientSecret.reveal())
  const parameters: Record<string, string> = scope === undefined ? {} : { scope }
  const fetching = { [library.customFetch]: httpsPost(options) }
  return refreshToken === undefined
    ? library.clientCredentialsGrantRequest(server, id, authentication, parameters, fetching)
    : library.refreshTokenGrantRequest(server, id, authentication, refreshToken.reveal(), {
        ...fetching,
        additionalParameters: parameters,
      })
}

async function readGrant(library: Library, client: OAuth2Client, response: Response): Promise<TokenGrant> {
  const { server, client: id } = metadataOf(client)
  const retryAfterMs = readRetryAfter(response)
  const answer = await library.processRefreshTokenResponse(server, id, response).catch((error: unknown) => {
    throw new TokenError(explainRefusal(library, client, response.status, error), retryAfterMs)
  })
  const { access_token: token, token_type: type, expires_in: seconds, scope, refresh_token: next } = answer
  if (type !== 'bearer') throw new TokenError(`gives a token of type ${type}: only bearer can be used`)
  if (!BEARER.test(token)) throw new TokenError('gives a token with characters that a token cannot have')
  return {
    token: new Secret(token),
    ...(seconds === undefined ? {} : { lifetimeMs: seconds * 1000 }),
    ...(scope === undefined ? {} : { scope }),
    ...(next === undefined ? {} : { refreshToken: new Secret(next) }),
  }
}

/** Milliseconds, from a number of seconds (RFC 9110 section 10.2.3). A date is ignored. */
function readRetryAfter({ headers }: Response): number | undefined {
  const text = headers.get('retry-after')
  if (text === null || !/^\d{1,9}$/.test(text.trim())) return undefined
  return Math.min(Number(text), LONGEST_WAIT) * 1000
}

/** What the endpoint said (RFC 6749 section 5.2), or what is wrong with its answer. */
function explainRefusal(library: Library, client: OAuth2Client, status: number, error: unknown): string {
  if (error instanceof library.ResponseBodyError) {
    const { error: code, error_description: description } = error
    // Microsoft adds lines for tracing.
    const text = description === undefined ? code : `${code}: ${description.split(/[\r\n]/, 1)[0]}`
    return `refuses (${status} ${withoutSecrets(text, client)})`
  }
  if (status !== 200) return `answers with HTTP status ${status}`
  const { message } = error as Error
  return `gives an answer that cannot be used: ${withoutSecrets(message, client)}`
}

/** A description may quote the secrets that were sent. */
function withoutSecrets(text: string, { clientSecret, refreshToken }: OAuth2Client): string {
  return [clientSecret, refreshToken].reduce((rest, secret) => {
    const value = secret?.reveal() ?? ''
    return value === '' ? rest : rest.replaceAll(value, '****')
  }, text)
}
