import type { Script, ScriptedOptions } from './smtp-scripted'

/** A relay, and the result of a message that is sent to it first and to a good server second. */
export interface RelayCase {
  readonly what: string
  /** Lines of its section. */
  readonly relay: readonly string[]
  readonly server: ScriptedOptions
  /** The message goes through; else its failure, as the log has it. */
  readonly outcome: 'taken' | RegExp
  /** Taken encrypted? */
  readonly secure?: boolean
  /** What must have been sent to the relay, and what must not. */
  readonly heard?: RegExp
  readonly unheard?: RegExp
}

export const PASSWORD = 'sesame-5d1f'

/** Settings of a login. */
export const USER = ['user = fred', `password = ${PASSWORD}`]

/** A server that offers STARTTLS and AUTH. */
export const TLS = { capabilities: ['PIPELINING', 'STARTTLS', 'AUTH PLAIN LOGIN CRAM-MD5'] }

/** A server that offers AUTH alone. */
export const PLAIN = { capabilities: ['PIPELINING', 'AUTH PLAIN LOGIN CRAM-MD5'] }

/** A server that answers one command with this text. */
export const says = (verb: string, text: string): { script: Script } => ({
  script: (said) => (said === verb ? text : undefined),
})

/** Any form of the user or the password. */
export const SECRET = new RegExp(`AUTH PLAIN|${Buffer.from('fred').toString('base64')}|${PASSWORD}`)
