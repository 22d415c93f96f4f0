import type { Relay } from '../model/relay'
import { Secret } from '../model/secret'
import type { Login, SessionFailure } from './session-types'

/**
 * The login for a relay; undefined if it needs none.
 *
 * @param token for a relay that needs one
 */
export function loginOf(
  { credentials, authType, endpoint }: Pick<Relay, 'credentials' | 'authType' | 'endpoint'>,
  token: Secret | undefined,
): Login | undefined {
  if (credentials === undefined || 'password' in credentials) return credentials
  const mechanism = authType === 'oauthbearer' ? authType : 'xoauth2'
  // An empty token is refused, and nothing is sent without a login.
  return { user: credentials.user, token: token ?? new Secret(''), mechanism, endpoint }
}

/** There is no token, so no login is possible. */
export const tokenFailure = (message: string): SessionFailure => ({
  stage: 'auth',
  kind: 'connection',
  message,
  mayGoClear: false,
  polite: false,
})
