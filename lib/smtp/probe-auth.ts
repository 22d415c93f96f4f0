import { createHmac } from 'node:crypto'
import type { AuthType, Credentials, Relay } from '../model/relay'
import type { ProbeConnection, Reply } from './probe-connection'
import { during, ProbeStop, said } from './probe-finding'

/** As Haraka picks where nothing is set (Haraka `outbound/hmail.js`). */
const PREFERENCE: readonly AuthType[] = ['cram-md5', 'plain', 'login']

/**
 * Logs in as Haraka would, and says how.
 *
 * @throws ProbeStop where the password may not be sent, or is refused.
 */
export async function authenticate(
  connection: ProbeConnection,
  relay: Relay,
  credentials: Credentials,
  extensions: ReadonlyMap<string, readonly string[]>,
  encrypted: boolean,
): Promise<string> {
  const offered = (extensions.get('AUTH') ?? []).map((mechanism) => mechanism.toLowerCase())
  if (!encrypted && !relay.allowPlaintextAuth) {
    throw new ProbeStop(
      'auth',
      'the connection is not encrypted, so the password is not sent',
      'use a port with TLS, or set allow_plaintext_auth = true if the way there is safe',
    )
  }
  if (offered.length === 0) {
    throw new ProbeStop('auth', 'AUTH is not offered', 'try port 587, or leave out user and password')
  }
  const mechanism = relay.authType ?? PREFERENCE.find((type) => offered.includes(type))
  if (mechanism === undefined || !offered.includes(mechanism)) {
    const wanted =
      mechanism === undefined ? 'none of these can be used' : `auth_type = ${mechanism} is not among them`
    throw new ProbeStop(
      'auth',
      `AUTH is offered as ${offered.join(', ')}; ${wanted}`,
      'set auth_type, or leave it out',
    )
  }
  const reply = await during('auth', exchangeAuth(connection, mechanism, credentials))
  if (reply.code === 235) return `accepted as ${credentials.user} (${mechanism})`
  throw new ProbeStop('auth', `refused: ${withoutSecret(said(reply), credentials)}`, authAdvice(reply.code))
}

const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64')

/** The dialogue of one mechanism: PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195). */
async function exchangeAuth(
  connection: ProbeConnection,
  mechanism: AuthType,
  credentials: Credentials,
): Promise<Reply> {
  const { user, password } = credentials
  switch (mechanism) {
    case 'plain':
      return connection.command(`AUTH PLAIN ${base64(`\0${user}\0${password.reveal()}`)}`)
    case 'login': {
      const first = await connection.command('AUTH LOGIN')
      if (first.code !== 334) return first
      const second = await connection.command(base64(user))
      return second.code === 334 ? connection.command(base64(password.reveal())) : second
    }
    case 'cram-md5': {
      const challenge = await connection.command('AUTH CRAM-MD5')
      if (challenge.code !== 334) return challenge
      const text = Buffer.from(challenge.lines.join(''), 'base64')
      const digest = createHmac('md5', password.reveal()).update(text).digest('hex')
      return connection.command(base64(`${user} ${digest}`))
    }
    default:
      return mechanism satisfies never
  }
}

/** A server that repeats what it was told must not have it printed. */
function withoutSecret(text: string, { user, password }: Credentials): string {
  const secret = password.reveal()
  return [base64(`\0${user}\0${secret}`), base64(secret), secret]
    .filter((form) => form !== '')
    .reduce((masked, form) => masked.replaceAll(form, '****'), text)
}

/** RFC 4954 section 6. */
function authAdvice(code: number): string {
  switch (code) {
    case 530:
    case 538:
      return 'it wants an encrypted connection first: set tls = required'
    case 534:
      return 'it wants another mechanism: set auth_type'
    case 454:
      return 'its own login service is down: try later'
    default:
      return 'user or password is wrong, or the account may not send: check both with the provider'
  }
}
