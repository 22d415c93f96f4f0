import type { Secret } from './secret'

/** How access tokens are got (RFC 6749): with a refresh token where there is one (section 6), else as the client itself (4.4). */
export interface OAuth2Client {
  /** `https://...` (RFC 6749 section 3.2). */
  readonly tokenUrl: string
  readonly clientId: string
  /** Absent only beside a refresh token: a public client (RFC 6749 section 2.1). */
  readonly clientSecret?: Secret
  readonly refreshToken?: Secret
  readonly scope?: string
}

/** SASL mechanisms that take an access token: Google's and Microsoft's, and that of RFC 7628. */
export type TokenMechanism = 'xoauth2' | 'oauthbearer'

/** How a client gets its tokens, in words. */
export const grantOf = ({ refreshToken }: OAuth2Client): string =>
  refreshToken === undefined ? 'client credentials' : 'refresh token'

/** Where tokens are at one moment. */
export type TokenState =
  /** May be shown to the relay now. */
  | { readonly kind: 'ready'; readonly token: Secret }
  /** The token endpoint is being asked. `settled` is fulfilled when it has answered, and is never rejected. */
  | { readonly kind: 'pending'; readonly settled: Promise<void> }
  /** It gave none, and is not asked again yet. One line without a secret. */
  | { readonly kind: 'failed'; readonly message: string }
