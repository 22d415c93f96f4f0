import type { Encryption, SessionOptions } from './session-types'

type ExtensionOptions = Pick<SessionOptions, 'tls' | 'implicitTls' | 'credentials'>

/**
 * What a server offers in its reply to EHLO (RFC 5321 section 4.1.1.1), and how Haraka 3.3.4 (`outbound/hmail.js` `set_ehlo_props`)
 * sees it: only what it should use, written as it understands it.
 */
export class Extensions {
  readonly #options: ExtensionOptions
  #lines = 0
  #keywords: string[] = []
  #mechanisms: readonly string[] = []
  #startTls = false

  constructor(options: ExtensionOptions) {
    this.#options = options
  }

  /** Each extension by its keyword, in the order of the reply. */
  get keywords(): readonly string[] {
    return this.#keywords
  }

  /** SASL mechanisms, in capitals (as RFC 4422 section 3.1 writes them). */
  get mechanisms(): readonly string[] {
    return this.#mechanisms
  }

  get offersStartTls(): boolean {
    return this.#startTls
  }

  /** Should this connection be encrypted with STARTTLS? */
  wantsStartTls({ encrypted }: Encryption): boolean {
    return this.#startTls && this.#options.tls !== 'off' && !this.#options.implicitTls && !encrypted
  }

  /** Forgets what was offered before TLS: it does not count any more (RFC 3207 section 4.2). */
  reset(): void {
    this.#lines = 0
    this.#keywords = []
    this.#mechanisms = []
    this.#startTls = false
  }

  /**
   * Takes the text of one line.
   *
   * @returns the text that Haraka should see; undefined if it should not see the line
   */
  add(text: string, encryption: Encryption): string | undefined {
    const line = text.trim().toUpperCase()
    // The first line is the server's name.
    if (this.#lines++ > 0) this.#keywords.push(firstWord(line))
    if (line === 'STARTTLS') {
      this.#startTls = true
      return this.wantsStartTls(encryption) ? line : undefined
    }
    // `AUTH=PLAIN` was written before RFC 2554, and some servers write both.
    const auth = /^AUTH[\s=]+(.*)$/.exec(line)
    if (auth === null) return text
    const named = (auth[1] ?? '').split(/\s+/).filter((mechanism) => mechanism !== '')
    this.#mechanisms = [...new Set([...this.#mechanisms, ...named])]
    // Haraka keeps the mechanisms of the last line.
    const shown = this.#shownMechanisms()
    return shown.length === 0 ? undefined : `AUTH ${shown.join(' ')}`
  }

  /** Haraka knows no mechanism with tokens: if one is needed, Haraka should send PLAIN, see `Authentication`. */
  #shownMechanisms(): readonly string[] {
    const { credentials } = this.#options
    if (credentials === undefined || !('token' in credentials)) return this.#mechanisms
    return this.#mechanisms.includes(credentials.mechanism.toUpperCase()) ? ['PLAIN'] : []
  }
}

/** What is before the first blank or equals sign. Found by its place: to split each line would be 1 kB of garbage a message. */
function firstWord(line: string): string {
  const end = line.search(/[\s=]/)
  return end === -1 ? line : line.slice(0, end)
}
