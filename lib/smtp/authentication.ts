import { isGood, isPermanent, type Reply } from '../model/reply'
import type { Redaction } from './redaction'
import type { Login } from './session-types'
import { TokenLogin } from './token-login'

/** Haraka 3.3.4 understands these two prompts of AUTH LOGIN (user name, password) and no other. */
const LOGIN_PROMPTS = ['VXNlcm5hbWU6', 'UGFzc3dvcmQ6']

/** What a reply means for a login. */
export type LoginStep =
  /** The server asks for the next line, which Haraka knows. */
  | { readonly kind: 'asks' }
  /** The server asks for this line, which Haraka does not know. */
  | { readonly kind: 'say'; readonly line: string }
  | { readonly kind: 'took' }
  /** `reason`: what the server has said about the token before. */
  | { readonly kind: 'refused'; readonly reason?: string; readonly refusesToken: boolean }
  | { readonly kind: 'asks-too-often' }

/** RFC 4954 section 6: the credentials are invalid. */
const BAD_CREDENTIALS = 535

/**
 * The login of one connection (RFC 4954), from AUTH to its last reply. Haraka 3.3.4 knows no mechanism with tokens: it is made to
 * send AUTH PLAIN, which is translated on the wire to the mechanism that is set.
 */
export class Authentication {
  readonly #redaction: Redaction
  readonly #token: TokenLogin | undefined
  #mechanism = ''
  /** Does AUTH consist of several lines? Then each line sent is a secret. */
  #challenging = false
  #prompts = 0
  #done = false

  /** @param redaction is given each secret that is sent */
  constructor(login: Login | undefined, redaction: Redaction) {
    this.#token = login !== undefined && 'token' in login ? new TokenLogin(login) : undefined
    this.#redaction = redaction
  }

  /** Has the server accepted the login? */
  get done(): boolean {
    return this.#done
  }

  /** Is the next line that is sent part of the login, and not a command? */
  get challenging(): boolean {
    return this.#challenging
  }

  /** AUTH is sent. */
  begin(command: string): void {
    this.#mechanism = command.split(' ')[1]?.toUpperCase() ?? ''
    this.#challenging = this.#mechanism !== 'PLAIN'
    this.#prompts = 0
  }

  /** The line that is sent in place of Haraka's AUTH. */
  translate(command: string): string {
    return this.#token === undefined ? command : `${this.#token.begin()}\r\n`
  }

  /** The next line of the login is sent. */
  answer(line: string): void {
    if (this.#mechanism === 'CRAM-MD5') this.#redaction.add(line)
  }

  /**
   * Takes a reply to AUTH, or to a line that followed it.
   *
   * @param challenge the text of its last line
   */
  judge(reply: Reply, challenge: string): LoginStep {
    if (reply.code === 334 && this.#token !== undefined) {
      const step = this.#token.answer(challenge)
      return step.kind === 'say' ? step : { kind: 'asks-too-often' }
    }
    if (reply.code === 334 && this.#challenging) {
      const most = this.#mechanism === 'LOGIN' ? LOGIN_PROMPTS.length : 1
      return { kind: this.#prompts < most ? 'asks' : 'asks-too-often' }
    }
    this.#challenging = false
    if (!isGood(reply)) return this.#refused(reply)
    this.#done = true
    return { kind: 'took' }
  }

  /** The text of a 334 that Haraka should see in place of the server's; undefined: the server's own. */
  rewritePrompt(): string | undefined {
    // LOGIN asks for a name and then for a password, in any words.
    const prompt = this.#mechanism === 'LOGIN' ? LOGIN_PROMPTS[this.#prompts] : undefined
    this.#prompts++
    return prompt
  }

  #refused(reply: Reply): LoginStep {
    const reason = this.#token?.reason
    const isAboutToken = reply.code === BAD_CREDENTIALS || (reason !== undefined && isPermanent(reply))
    return {
      kind: 'refused',
      ...(reason === undefined ? {} : { reason }),
      refusesToken: this.#token !== undefined && isAboutToken,
    }
  }
}
