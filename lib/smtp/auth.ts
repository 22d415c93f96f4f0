import type { AuthType } from '../model/relay'
import type { Reply } from '../model/reply'

/** The order in which Haraka chooses if none is set (Haraka 3.3.4 `outbound/hmail.js` `auth_and_mail_phase`). */
const PREFERENCE: readonly AuthType[] = ['cram-md5', 'plain', 'login']

/**
 * The mechanism for the login: the one that is set, else the best that is offered.
 *
 * @param offered as in the reply to EHLO, in capitals
 * @returns undefined if the server offers none that can be used
 */
export function chooseMechanism(
  offered: readonly string[],
  authType: AuthType | undefined,
): AuthType | undefined {
  const types = authType === undefined ? PREFERENCE : [authType]
  return types.find((type) => offered.includes(type.toUpperCase()))
}

/** Why {@link chooseMechanism} found nothing. */
export function explainNoMechanism(offered: readonly string[], authType: AuthType | undefined): string {
  if (offered.length === 0) return 'it does not offer AUTH'
  return `it offers AUTH ${offered.join(' ')}, but not ${authType?.toUpperCase() ?? 'CRAM-MD5, PLAIN or LOGIN'}`
}

/** RFC 4954 section 6: authentication required, mechanism too weak, credentials invalid, encryption required. */
const AUTH_CODES = new Set([530, 534, 535, 538])
/** RFC 4954 section 6 and RFC 5248: credentials invalid, mechanism too weak, encryption needed; 5.7.57 is Exchange's. */
const AUTH_ENHANCED = new Set(['5.7.8', '5.7.9', '5.7.11', '5.7.57'])
/** Texts of servers that say so with another code, as `550 5.7.1 Client was not authenticated`. */
const AUTH_WORDS = [
  /\bauth(?:entication|enticate|enticated)?\b[^.;]*\b(?:required|needed|necessary|first)\b/i,
  /\b(?:requires?|needs?|must|please|turn on|enable|use|without|no)\s+(?:\w+\s+){0,3}auth(?:entication|enticate|enticated)?\b/i,
  /\bnot\s+(?:been\s+)?(?:yet\s+)?authenticated\b/i,
  /\bunauthenticated (?:senders?|users?|clients?)\b/i,
]
/** Texts about the client, whatever else the reply says: Postfix has "Sender address rejected: not logged in". */
const LOGIN_WORDS = [
  /\bnot\s+(?:been\s+)?(?:yet\s+)?logged in\b/i,
  /\b(?:must|please|need to)\s+(?:\w+\s+)?(?:log ?in|sign in)\b/i,
  /\blog ?in (?:is )?(?:required|needed|necessary|first)\b/i,
]
/** Texts about authentication of the message's author, and not of the client (RFC 7208, RFC 6376, RFC 7489). */
const SENDER_AUTHENTICATION = /\b(?:spf|dkim|dmarc|arc)\b|\bsend(?:er|ing)(?:'s)? (?:domain|address)\b/i

/**
 * Does this reply say that the client must log in, or that its login is not good enough? Then it is about the relay and its password,
 * and not about the sender or the recipient.
 */
export function asksForAuthentication({ code, enhanced, text }: Reply): boolean {
  if (AUTH_CODES.has(code)) return true
  if (code < 500) return false
  if (enhanced !== undefined && AUTH_ENHANCED.has(enhanced)) return true
  if (LOGIN_WORDS.some((pattern) => pattern.test(text))) return true
  return !SENDER_AUTHENTICATION.test(text) && AUTH_WORDS.some((pattern) => pattern.test(text))
}
