import type { AuthType } from '../model/relay'
import type { RelayFailure } from '../model/failure'

/** How a relay is to be spoken to, as the dialogue needs it. */
export interface Terms {
  /** `required`: encrypted, and the certificate good; see {@link Channel}. */
  readonly tls: 'required' | 'opportunistic' | 'off'
  /** TLS from the first byte: STARTTLS has no place. */
  readonly implicitTls: boolean
  readonly lmtp: boolean
  readonly credentials: boolean
  readonly authType: AuthType | undefined
  readonly allowPlaintextAuth: boolean
}

/** The connection as it is now. */
export interface Channel {
  readonly encrypted: boolean
  /** The certificate is good for the host name. */
  readonly verified: boolean
}

/** What to do with one reply: pass it on, changed or not; drop it; or give up on the relay. */
export type ReplyVerdict =
  | { readonly pass: string }
  | { readonly drop: true }
  | { readonly fault: RelayFailure; readonly polite: boolean }

/** A reply line as Haraka 3.3.4 understands it (`smtp_regexp` in `outbound/hmail.js`), RFC 5321 section 4.2. */
const REPLY = /^([2345]\d\d)([ -])(.*?)\r?\n?$/s
/** RFC 4954 section 6: authentication required, too weak, credentials invalid, encryption required. */
const AUTH_REFUSALS = new Set(['530', '534', '535', '538'])
const LOGIN_PROMPTS = ['VXNlcm5hbWU6', 'UGFzc3dvcmQ6']
/** More lines than any greeting or list of capabilities has. Haraka and we keep all lines of a reply until its last. */
const MOST_LINES = 500
/** Shorter texts are found in any reply by chance. */
const SHORTEST_SECRET = 3

type Step = 'greeting' | 'ehlo' | 'helo' | 'starttls' | 'auth' | 'mail' | 'rcpt'

/** Control characters of a foreign server do not reach our log. */
const printable = (text: string) =>
  text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 200)

/**
 * The dialogue with a relay until it has taken the first recipient: what the relay says up to there is about the relay and not
 * about the recipient. Pure: lines in, verdicts out.
 */
export class Dialogue {
  readonly #terms: Terms
  #step: Step = 'greeting'
  /** Does the current exchange of AUTH consist of several lines? Then each line sent is a secret. */
  #challenging = false
  #mechanism = ''
  #prompts = 0
  #authenticated = false
  #mechanisms: readonly string[] = []
  #startTlsOffered = false
  #upgrading = false
  #accepted = false
  #over = false
  #reply: string[] = []
  /** What was said in AUTH that nobody must read. */
  readonly #secrets: string[] = []

  constructor(terms: Terms) {
    this.#terms = terms
  }

  /** Is the relay through with its part, so that the rest is between it and the recipient? */
  get over(): boolean {
    return this.#over
  }

  /** Has the relay taken the sender and spoken of a recipient without asking for authentication? */
  get accepted(): boolean {
    return this.#accepted
  }

  /** Is the next line sent part of the authentication? */
  get challenging(): boolean {
    return this.#challenging
  }

  /** Is TLS being begun? What breaks down here might go well without. */
  get startingTls(): boolean {
    return this.#step === 'starttls'
  }

  /** TLS is in force from now on. */
  secured(): void {
    this.#upgrading = false
  }

  /** Looks at a line before it is sent. A failure: it must not be sent. */
  command(text: string, channel: Channel): RelayFailure | undefined {
    this.#reply = []
    if (this.#challenging) {
      this.#keepSecret(text.trim())
      return undefined
    }
    switch (text.slice(0, 5).trimEnd().toUpperCase()) {
      case 'EHLO':
      case 'LHLO':
        this.#step = 'ehlo'
        this.#mechanisms = []
        this.#startTlsOffered = false
        return undefined
      case 'HELO':
        this.#step = 'helo'
        return undefined
      case 'START':
        this.#step = 'starttls'
        return undefined
      case 'AUTH':
        return this.#beforeAuth(text, channel)
      case 'MAIL':
        return this.#beforeMail(channel)
      case 'RCPT':
        this.#step = 'rcpt'
        return undefined
      default:
        // DATA, the message, QUIT.
        this.#over = this.#step === 'rcpt' || this.#step === 'mail'
        return undefined
    }
  }

  /**
   * Looks at a line that was received before Haraka sees it.
   *
   * @param alone whether nothing followed it in the same packet
   */
  reply(received: string, alone: boolean, channel: Channel): ReplyVerdict {
    if (this.#upgrading) return fault('tls', 'it spoke in clear after STARTTLS', false)
    const line = this.#withoutSecrets(received)
    const match = REPLY.exec(line)
    if (match === null) return fault('protocol', `it said what is no SMTP reply: ${printable(line)}`, false)
    const [, code = '', separator, text = ''] = match
    if (this.#reply.length >= MOST_LINES)
      return fault('protocol', `its reply has more than ${MOST_LINES} lines`, false)
    this.#reply.push(printable(text))
    if (separator !== ' ')
      return this.#step === 'ehlo' && code.startsWith('2')
        ? this.#capability(code, text, false, channel)
        : { pass: line }
    const said = `${code} ${this.#reply.join(' ')}`
    this.#reply = []

    switch (this.#step) {
      case 'greeting':
        return code.startsWith('2') ? { pass: line } : fault('greeting', `it greeted with ${said}`, true)
      case 'ehlo':
        return this.#ehlo(code, text, line, said, channel)
      case 'helo':
        return code.startsWith('2') ? { pass: line } : fault('protocol', `it refused HELO: ${said}`, true)
      case 'starttls':
        return this.#startTls(code, line, said, alone)
      case 'auth':
        return this.#auth(code, line, said)
      case 'mail':
      case 'rcpt':
        return this.#envelope(code, line, said)
    }
  }

  #beforeAuth(text: string, channel: Channel): RelayFailure | undefined {
    const failure = this.#unencrypted(channel)
    if (failure !== undefined) return failure
    if (!channel.encrypted && !this.#terms.allowPlaintextAuth) {
      const message = `credentials are not sent over a connection that is not encrypted (${this.#whyClear()})`
      return { kind: 'tls', message }
    }
    this.#step = 'auth'
    const [, mechanism = '', initial] = text.trim().split(' ')
    this.#mechanism = mechanism.toUpperCase()
    if (initial !== undefined) this.#keepSecret(initial)
    this.#challenging = this.#mechanism !== 'PLAIN'
    this.#prompts = 0
    return undefined
  }

  /** As it was sent, and the password in it: a base64 text of AUTH PLAIN, or the second answer of AUTH LOGIN. */
  #keepSecret(sent: string): void {
    // The first answer of AUTH LOGIN is the user name, which may be read.
    if (this.#mechanism === 'LOGIN' && this.#prompts < 2) return
    this.#secrets.push(sent)
    if (this.#mechanism === 'CRAM-MD5') return
    const password = Buffer.from(sent, 'base64').toString().split('\0').at(-1)
    if (password !== undefined) this.#secrets.push(password)
  }

  /** Servers that do not know AUTH repeat the whole line in their refusal, and refusals are logged. */
  #withoutSecrets(line: string): string {
    const begin = REPLY.test(line) ? 4 : 0
    let text = line.slice(begin)
    for (const secret of this.#secrets) {
      if (secret.length >= SHORTEST_SECRET) text = text.replaceAll(secret, '****')
    }
    return line.slice(0, begin) + text
  }

  #beforeMail(channel: Channel): RelayFailure | undefined {
    const failure = this.#unencrypted(channel)
    if (failure !== undefined) return failure
    if (this.#terms.credentials && !this.#authenticated) {
      const offered = this.#mechanisms.join(' ')
      const wanted = this.#terms.authType?.toUpperCase() ?? 'CRAM-MD5, PLAIN or LOGIN'
      const message =
        offered === ''
          ? `it does not offer AUTH${channel.encrypted ? '' : ` (${this.#whyClear()})`}`
          : `it offers AUTH ${offered}, and not ${wanted}`
      return { kind: 'auth', message }
    }
    this.#step = 'mail'
    return undefined
  }

  #unencrypted(channel: Channel): RelayFailure | undefined {
    if (this.#terms.tls !== 'required') return undefined
    if (!channel.encrypted)
      return { kind: 'tls', message: `TLS is required, and there is none (${this.#whyClear()})` }
    if (!channel.verified)
      return { kind: 'tls', message: 'TLS is required, and its certificate was not verified' }
    return undefined
  }

  #whyClear(): string {
    if (this.#terms.tls === 'off') return 'tls is off'
    return this.#startTlsOffered
      ? 'outbound.ini or tls.ini keeps Haraka from STARTTLS'
      : 'STARTTLS is not offered'
  }

  #ehlo(code: string, text: string, line: string, said: string, channel: Channel): ReplyVerdict {
    if (code.startsWith('2')) {
      const verdict = this.#capability(code, text, true, channel)
      if (this.#terms.tls === 'required' && !this.#startTlsOffered && !channel.encrypted) {
        return fault('tls', 'TLS is required, and STARTTLS is not offered', true)
      }
      return verdict
    }
    // HELO knows neither TLS nor AUTH. Haraka 3.3.4 falls back to it after 5xx, and in LMTP it would bounce.
    const needed = this.#terms.tls === 'required' || this.#terms.credentials
    if (!code.startsWith('5') || needed || this.#terms.lmtp)
      return fault('protocol', `it refused EHLO: ${said}`, true)
    return { pass: line }
  }

  #capability(code: string, text: string, last: boolean, channel: Channel): ReplyVerdict {
    const keyword = text.trim().toUpperCase()
    const build = (rest: string): ReplyVerdict => ({ pass: `${code}${last ? ' ' : '-'}${rest}\r\n` })
    if (keyword === 'STARTTLS') {
      this.#startTlsOffered = true
      // What Haraka does not see it does not use.
      if (this.#terms.tls !== 'off' && !this.#terms.implicitTls && !channel.encrypted)
        return build('STARTTLS')
      return last ? build('OK') : { drop: true }
    }
    if (/^AUTH\s/.test(keyword)) {
      this.#mechanisms = keyword.split(/\s+/).slice(1)
      // Haraka compares with upper case; names of mechanisms have no case (RFC 4422 section 3.1 writes them so).
      return build(keyword)
    }
    return build(text)
  }

  #startTls(code: string, line: string, said: string, alone: boolean): ReplyVerdict {
    if (!code.startsWith('2')) return fault('tls', `it refused STARTTLS: ${said}`, true)
    // What came in clear must not be taken for something that was said under TLS (RFC 3207 section 6).
    if (!alone) return fault('tls', 'it spoke in clear after STARTTLS', false)
    this.#upgrading = true
    return { pass: line }
  }

  #auth(code: string, line: string, said: string): ReplyVerdict {
    if (code === '334' && this.#challenging) {
      // LOGIN asks for a name and then for a password in words of the server's choosing; Haraka 3.3.4 knows one wording.
      const login = this.#mechanism === 'LOGIN'
      const prompt = login ? LOGIN_PROMPTS[this.#prompts] : line
      this.#prompts++
      if (prompt === undefined || (!login && this.#prompts > 1))
        return fault('auth', `it asked too often: ${said}`, false)
      return { pass: login ? `334 ${prompt}\r\n` : line }
    }
    this.#challenging = false
    if (!code.startsWith('2')) return fault('auth', `it refused AUTH: ${said}`, true)
    this.#authenticated = true
    return { pass: line }
  }

  #envelope(code: string, line: string, said: string): ReplyVerdict {
    if (AUTH_REFUSALS.has(code)) return fault('auth', `it wants authentication: ${said}`, true)
    if (this.#step === 'rcpt' || !code.startsWith('2')) this.#accepted = true
    // After a refused MAIL the recipient's side has spoken.
    if (!code.startsWith('2') && this.#step === 'mail') this.#over = true
    return { pass: line }
  }
}

function fault(kind: RelayFailure['kind'], message: string, polite: boolean): ReplyVerdict {
  return { fault: { kind, message }, polite }
}
