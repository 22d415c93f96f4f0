const SECRETS = ['oauth2_token_url', 'oauth2_client_id', 'oauth2_client_secret', 'oauth2_refresh_token']

/** The keys of OAuth 2.0: each of the four by itself, from a variable or from a file. */
export const OAUTH2_KEYS: readonly string[] = [
  ...SECRETS.flatMap((key) => [key, `${key}_env`, `${key}_file`]),
  'oauth2_scope',
]
