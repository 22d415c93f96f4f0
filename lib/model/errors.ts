/** What every error of this package says of itself, so that a caller need not read its message. */
export interface ErrorDetails {
  /** A word for programs, such as `ETIMEOUT`. */
  readonly code: string
  /** True where trying again later may help: the message is deferred, never bounced. */
  readonly temporary: boolean
  readonly cause?: unknown
}

/** The base of the errors of this package. */
export class DnsOverridesError extends Error implements ErrorDetails {
  readonly code: string
  readonly temporary: boolean

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = details.code
    this.temporary = details.temporary
  }
}

/** A lookup that gave neither an answer nor a proof of absence. */
export class ResolveError extends DnsOverridesError {}

/** What a command is to look at may not be read by the user that runs it: nobody knows, and another user may. */
export class AccessError extends DnsOverridesError {
  constructor(message: string) {
    super(`${message}; try as root or as the user that runs Haraka`, { code: 'EACCES', temporary: true })
  }
}

/** Wrong use of the command line. */
export class UsageError extends DnsOverridesError {
  constructor(message: string) {
    super(message, { code: 'EUSAGE', temporary: false })
  }
}
