import { formatHost, type Endpoint } from '../model/endpoint'
import type { TokenMechanism } from '../model/oauth2'
import { toPrintable } from '../model/printable'
import type { Secret } from '../model/secret'

/** A login with an access token. */
export interface TokenCredentials {
  readonly user: string
  readonly token: Secret
  readonly mechanism: TokenMechanism
  /** Where we connect to (RFC 7628 section 3.1: `host` and `port`). */
  readonly endpoint: Endpoint
}

/** What to do after a reply of the server. */
export type TokenStep = { readonly kind: 'say'; readonly line: string } | { readonly kind: 'ask-too-often' }

/** RFC 5321 section 4.5.3.1.4, without the line end; RFC 4954 section 4: a response that would make AUTH longer is sent separately. */
const LONGEST_COMMAND = 510
/** Characters of the server's reason that are kept. */
const LONGEST_REASON = 200

const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64')

/** The first response, in base64: Google's and Microsoft's XOAUTH2, or RFC 7628 section 3.1. */
export function initialResponse({ user, token, mechanism, endpoint }: TokenCredentials): string {
  const bearer = `auth=Bearer ${token.reveal()}\x01\x01`
  if (mechanism === 'xoauth2') return base64(`user=${user}\x01${bearer}`)
  // RFC 5801 section 4: the name is between commas.
  const name = user.replaceAll('=', '=3D').replaceAll(',', '=2C')
  const place = `host=${formatHost(endpoint.host)}\x01port=${endpoint.port}\x01`
  return base64(`n,a=${name},\x01${place}${bearer}`)
}

/** One login with a token, from AUTH to the last reply but one. */
export class TokenLogin {
  readonly #mechanism: TokenMechanism
  readonly #response: string
  #hasSaid = false
  #hasRepeated = false
  #hasFailed = false
  #reason: string | undefined

  constructor(credentials: TokenCredentials) {
    this.#mechanism = credentials.mechanism
    this.#response = initialResponse(credentials)
  }

  /** Why the server refuses the token, from its JSON (RFC 7628 section 3.2.2); undefined until it says so. */
  get reason(): string | undefined {
    return this.#reason
  }

  /** The command that begins it. */
  begin(): string {
    const command = `AUTH ${this.#mechanism.toUpperCase()}`
    const whole = `${command} ${this.#response}`
    this.#hasSaid = whole.length <= LONGEST_COMMAND
    return this.#hasSaid ? whole : command
  }

  /** The answer to a reply 334. @param challenge its text */
  answer(challenge: string): TokenStep {
    const isEmpty = challenge.trim() === ''
    if (!this.#hasSaid) {
      this.#hasSaid = true
      return { kind: 'say', line: this.#response }
    }
    if (isEmpty && !this.#hasRepeated) {
      // Some servers accept no response together with AUTH.
      this.#hasRepeated = true
      return { kind: 'say', line: this.#response }
    }
    if (isEmpty || this.#hasFailed) return { kind: 'ask-too-often' }
    this.#hasFailed = true
    this.#reason = readReason(challenge)
    // RFC 7628 section 3.2.3: %x01; for XOAUTH2 an empty line. Then comes the reply that refuses.
    return { kind: 'say', line: this.#mechanism === 'oauthbearer' ? base64('\x01') : '' }
  }
}

/** `status 401, scope https://mail.google.com/`: the parts that the JSON has. */
function readReason(challenge: string): string {
  const parts = ['status', 'scope'].flatMap((name) => {
    const value = parseJson(challenge)[name]
    return typeof value === 'string' || typeof value === 'number' ? [`${name} ${value}`] : []
  })
  return toPrintable(parts.join(', ') || 'no reason given', { max: LONGEST_REASON })
}

function parseJson(challenge: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(challenge, 'base64').toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
