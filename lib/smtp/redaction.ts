import type { PasswordCredentials } from '../model/relay'
import type { Login } from './session-types'
import { initialResponse, type TokenCredentials } from './token-login'

/** A shorter password is found in any text by chance. */
const SHORTEST_PASSWORD = 3
const MASK = '****'
/** What may be a piece of a token, or of its base64. */
const TOKEN_PART = /[\w.~+/-]{12,}/g

/**
 * What is no secret at the beginning of a reply, whatever the password is: its code, and the offer of TLS and of known mechanisms. With the
 * password 250 no reply could be read otherwise.
 */
const PLAIN_PART =
  /^[2-5]\d\d(?:[ -](?:STARTTLS|AUTH(?:[ =]+(?:PLAIN|LOGIN|CRAM-MD5|XOAUTH2|OAUTHBEARER))*)(?=\s))?/i

const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64')
const escape = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/**
 * Takes the password out of what a server says. Servers that do not know AUTH repeat the whole line in their refusal, some
 * repeat it much later, and replies end up in logs, bounce messages and notes.
 */
export class Redaction {
  #forms: readonly string[]
  #pattern: RegExp | undefined
  /** In lower case. */
  #token: readonly string[] = []

  /** @param credentials what may be sent on this connection; absent: there is nothing to take out */
  constructor(credentials: Login | undefined) {
    const isToken = credentials !== undefined && 'token' in credentials
    if (isToken) this.#token = tokenForms(credentials)
    this.#forms = credentials === undefined || isToken ? [] : formsOf(credentials)
    this.#compile()
  }

  /** Is there nothing to take out? */
  get isEmpty(): boolean {
    return this.#pattern === undefined && this.#token.length === 0
  }

  /** Takes out one more text, too: the proof that was sent in a challenge. */
  add(text: string): void {
    if (text.length < SHORTEST_PASSWORD || this.#forms.includes(text)) return
    this.#forms = [...this.#forms, text]
    this.#compile()
  }

  /** The text with `****` in place of the password, as it is and as AUTH PLAIN and AUTH LOGIN write it. */
  apply(text: string): string {
    return this.#mask(text, 0)
  }

  /** As {@link apply}, for a line of the server that is read after that. */
  applyToReply(line: string): string {
    return this.#pattern === undefined
      ? this.apply(line)
      : this.#mask(line, PLAIN_PART.exec(line)?.[0].length ?? 0)
  }

  /** @param plain characters at the beginning that are left as they are, unless a secret goes on after them */
  #mask(text: string, plain: number): string {
    const maskOne = (secret: string, at: number) => (at + secret.length <= plain ? secret : MASK)
    const rest = this.#pattern === undefined ? text : text.replace(this.#pattern, maskOne)
    return this.#token.length === 0 ? rest : rest.replace(TOKEN_PART, (part) => this.#redactTokenPart(part))
  }

  /** A server that repeats a long command cuts it off somewhere: any piece of it counts. */
  #redactTokenPart(part: string): string {
    const piece = part.toLowerCase()
    return this.#token.some((form) => form.includes(piece)) ? MASK : part
  }

  #compile(): void {
    if (this.#forms.length === 0) return
    // The longest first: the password may be part of another form. Some servers repeat a command in capitals.
    const forms = this.#forms.toSorted((a, b) => b.length - a.length)
    this.#pattern = new RegExp(forms.map(escape).join('|'), 'gi')
  }
}

/** A token as it is, and as the mechanisms write it. */
function tokenForms(credentials: TokenCredentials): string[] {
  return [credentials.token.reveal(), initialResponse(credentials)].map((form) => form.toLowerCase())
}

function formsOf({ user, password }: PasswordCredentials): string[] {
  const secret = password.reveal()
  if (secret === '') return []
  const encoded = [base64(`\0${user}\0${secret}`), base64(secret)].flatMap((form) => [
    form,
    // Some servers cut the padding off.
    form.replace(/=+$/, ''),
  ])
  return [...new Set([...(secret.length < SHORTEST_PASSWORD ? [] : [secret]), ...encoded])]
}
