import type { Relay } from '../model/relay'
import { Secret } from '../model/secret'
import type { Login, SessionFailure } from './session-types'

/**
 * What is shown to a relay that asks who we are; undefined for one that does not.
 *
 * @param token for a relay that takes one
 */
export function loginOf(
  { credentials, authType, endpoint }: Pick<Relay, 'credentials' | 'authType' | 'endpoint'>,
  token: Secret | undefined,
): Login | undefined {
  if (credentials === undefined || 'password' in credentials) return credentials
  const mechanism = authType === 'oauthbearer' ? authType : 'xoauth2'
  // Without a token it is refused, and nothing is sent without a login.
  return { user: credentials.user, token: token ?? new Secret(''), mechanism, endpoint }
}

/** No token was got: the server cannot be logged in to. */
export const tokenFailure = (message: string): SessionFailure => ({
  stage: 'auth',
  kind: 'connection',
  message,
  mayGoClear: false,
  polite: false,
})
