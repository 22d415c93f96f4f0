import { grantOf, type OAuth2Client } from '../model/oauth2'
import { toPrintable } from '../model/printable'
import { oauth2Of, type Relay } from '../model/relay'
import type { Secret } from '../model/secret'
import type { ProbeFinding } from './probe-finding'

/** A token that was obtained for a probe. */
export interface ProbedToken {
  readonly token: Secret
  readonly lifetimeMs?: number
  readonly scope?: string
}

/** Asks a token endpoint. Rejects with an Error that says why there is no token; its message follows the name of the endpoint. */
export type AskToken = (client: OAuth2Client) => Promise<ProbedToken>

/** The token of a relay, and the findings about it. */
interface TokenProbe {
  readonly findings: readonly ProbeFinding[]
  /** Absent if the relay needs no token, or if no token could be had. */
  readonly token?: Secret
}

/** Asks for the token of a relay. Never rejects. */
export async function probeToken(
  relay: Relay,
  { askToken }: { readonly askToken: AskToken },
): Promise<TokenProbe> {
  const client = oauth2Of(relay)
  if (client === undefined) return { findings: [] }
  const endpoint = `${new URL(client.tokenUrl).host} (${grantOf(client)})`
  try {
    const { token, lifetimeMs, scope } = await askToken(client)
    const life =
      lifetimeMs === undefined ? 'without an expiry time' : `valid for ${formatMinutes(lifetimeMs)}`
    const given = { step: 'token', result: 'good', message: `${endpoint} gives a token, ${life}` } as const
    return { token, findings: [given, ...findMissingScope(client, scope)] }
  } catch (error) {
    const message = `${endpoint} ${(error as Error).message}`
    return { findings: [{ step: 'token', result: 'bad', message, advice: adviseToken(message) }] }
  }
}

const formatMinutes = (time: number) =>
  time < 60_000 ? `${time / 1000} s` : `${Math.floor(time / 60_000)} min`

/** RFC 6749 section 3.3: the server may grant less than was asked for, and must say so. */
function findMissingScope({ scope: asked = '' }: OAuth2Client, given: string | undefined): ProbeFinding[] {
  if (given === undefined) return []
  const has = given.split(' ')
  const missing = asked.split(/\s+/).filter((scope) => scope !== '' && !has.includes(scope))
  if (missing.length === 0) return []
  const message = toPrintable(`it refuses the scope ${missing.join(' ')}, and gives ${given}`, { max: 300 })
  return [{ step: 'token', result: 'warning', message, advice: 'allow the scope for this client' }]
}

/** What to do about the errors of RFC 6749 section 5.2, and about an endpoint that cannot be asked. */
function adviseToken(message: string): string {
  if (message.includes('invalid_client'))
    return 'check oauth2_client_id and oauth2_client_secret: a secret may have expired'
  if (message.includes('invalid_grant')) return 'the refresh token has expired or was revoked: get a new one'
  if (message.includes('invalid_scope')) return 'check oauth2_scope with the provider'
  if (message.includes('unauthorized_client')) return 'the provider must allow this grant for the client'
  return 'check oauth2_token_url, and whether this machine can reach it'
}
