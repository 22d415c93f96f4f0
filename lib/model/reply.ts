/** What an SMTP server said, as it is kept and shown: bounded, printable, and without the password that it may have repeated. */
export interface Reply {
  /** RFC 5321 section 4.2.1. */
  readonly code: number
  /** Enhanced status code (RFC 3463), as `5.7.1`. */
  readonly enhanced?: string
  /** The whole reply on one line of at most {@link LONGEST_REPLY} characters: `550 5.7.1 text`. */
  readonly text: string
}

/** Characters of a reply that are kept. */
export const LONGEST_REPLY = 500

/** Was the command taken (2xx, RFC 5321 section 4.2.1)? */
export const isGood = ({ code }: Reply): boolean => code >= 200 && code < 300

/** May the same command be taken later (4xx)? */
export const isTemporary = ({ code }: Reply): boolean => code >= 400 && code < 500

/** Is the command refused for good (5xx)? */
export const isPermanent = ({ code }: Reply): boolean => code >= 500

/** Does the server close the connection, whatever it was asked (RFC 5321 section 3.8)? */
export const isClosing = ({ code }: Reply): boolean => code === 421
