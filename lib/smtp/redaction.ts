import type { Credentials } from '../model/relay'

/** A shorter password is found in any text by chance. */
const SHORTEST_PASSWORD = 3
const MASK = '****'

const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64')
const escape = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/**
 * Takes the password out of what a server says. Servers that do not know AUTH repeat the whole line in their refusal, some
 * repeat it much later, and replies end up in logs, bounce messages and notes.
 */
export class Redaction {
  #forms: readonly string[]
  #pattern: RegExp | undefined

  /** @param credentials what may be sent on this connection; absent: there is nothing to hide */
  constructor(credentials: Credentials | undefined) {
    this.#forms = credentials === undefined ? [] : formsOf(credentials)
    this.#compile()
  }

  /** Hides one more text: the proof that was sent in a challenge. */
  hide(text: string): void {
    if (text.length < SHORTEST_PASSWORD || this.#forms.includes(text)) return
    this.#forms = [...this.#forms, text]
    this.#compile()
  }

  /** The text with `****` in place of the password, as it is and as AUTH PLAIN and AUTH LOGIN write it. */
  apply(text: string): string {
    return this.#pattern === undefined ? text : text.replace(this.#pattern, MASK)
  }

  #compile(): void {
    if (this.#forms.length === 0) return
    // The longest first: the password may be part of another form. Some servers repeat a command in capitals.
    const forms = this.#forms.toSorted((a, b) => b.length - a.length)
    this.#pattern = new RegExp(forms.map(escape).join('|'), 'gi')
  }
}

function formsOf({ user, password }: Credentials): string[] {
  const secret = password.reveal()
  if (secret === '') return []
  const encoded = [base64(`\0${user}\0${secret}`), base64(secret)].flatMap((form) => [
    form,
    // Some servers cut the padding off.
    form.replace(/=+$/, ''),
  ])
  return [...new Set([...(secret.length < SHORTEST_PASSWORD ? [] : [secret]), ...encoded])]
}
