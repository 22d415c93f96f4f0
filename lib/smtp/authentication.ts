import { isGood, type Reply } from '../model/reply'
import type { Redaction } from './redaction'

/** Haraka 3.3.4 understands these two prompts of AUTH LOGIN (user name, password) and no other. */
const LOGIN_PROMPTS = ['VXNlcm5hbWU6', 'UGFzc3dvcmQ6']

/** What a reply means for a login: the server asks for the next line, took it, refused it, or asks again and again. */
export type LoginReply = 'asks' | 'took' | 'refused' | 'asks-too-often'

/** The login of one connection (RFC 4954), from AUTH to its last reply. */
export class Authentication {
  readonly #redaction: Redaction
  #mechanism = ''
  /** Does AUTH consist of several lines? Then each line sent is a secret. */
  #challenging = false
  #prompts = 0
  #done = false

  /** @param redaction hides what is sent, as far as it is a secret */
  constructor(redaction: Redaction) {
    this.#redaction = redaction
  }

  /** Has the server taken the login? */
  get done(): boolean {
    return this.#done
  }

  /** Is the next line that is sent part of the login, and not a command? */
  get challenging(): boolean {
    return this.#challenging
  }

  /** AUTH is said. */
  begin(command: string): void {
    this.#mechanism = command.split(' ')[1]?.toUpperCase() ?? ''
    this.#challenging = this.#mechanism !== 'PLAIN'
    this.#prompts = 0
  }

  /** The next line of the login is sent. */
  answer(line: string): void {
    if (this.#mechanism === 'CRAM-MD5') this.#redaction.hide(line)
  }

  /** Takes a reply to AUTH, or to a line that followed it. */
  judge(reply: Reply): LoginReply {
    if (reply.code === 334 && this.#challenging) {
      const most = this.#mechanism === 'LOGIN' ? LOGIN_PROMPTS.length : 1
      return this.#prompts < most ? 'asks' : 'asks-too-often'
    }
    this.#challenging = false
    if (!isGood(reply)) return 'refused'
    this.#done = true
    return 'took'
  }

  /** The text of a 334 that Haraka should see in place of the server's; undefined: the server's own. */
  rewritePrompt(): string | undefined {
    // LOGIN asks for a name and then for a password in words of the server's choosing.
    const prompt = this.#mechanism === 'LOGIN' ? LOGIN_PROMPTS[this.#prompts] : undefined
    this.#prompts++
    return prompt
  }
}
