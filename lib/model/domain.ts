import { isIP, isIPv4, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'

/** The full stops that IDNA takes for a dot (RFC 3490 3.1, UTS #46). */
const DOTS = /[.\u3002\uff0e\uff61]/
const ASCII = /^[\0-\x7f]*$/
/** Letters, digits and hyphens (RFC 1123 section 2.1), and the underscore, which is in use. */
const PLAIN_LABEL = /^[a-z0-9_-]{1,63}$/
const PLAIN_PATTERN = /^[a-z0-9_.*?-]*$/i
const PLAIN_NAME = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/

/** Lower case of the letters A to Z only: what RFC 4343 says of names, whatever the locale. */
export function lowerAscii(text: string): string {
  return ASCII.test(text) ? text.toLowerCase() : text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/**
 * One label as an A-label in lower case (RFC 5891), or undefined. node:url's `domainToASCII` undoes %-escapes, drops tabs, cuts
 * at `/`, `?` and `#` and reads numbers as IPv4 addresses; so a label goes in alone, of letters, digits, hyphens and non-ASCII
 * only, before a suffix that makes it no address, and must come out as one label.
 */
export function toALabel(label: string): string | undefined {
  const lower = lowerAscii(label)
  if (ASCII.test(lower)) return PLAIN_LABEL.test(lower) ? lower : undefined
  if (!/^[a-z0-9_\-\u0080-\u{10ffff}]+$/u.test(lower)) return undefined
  const ascii = domainToASCII(`${lower}.example`)
  const result = ascii.slice(0, -'.example'.length)
  return ascii.endsWith('.example') && PLAIN_LABEL.test(result) ? result : undefined
}

/** The labels of a name as written; one trailing dot is ignored. */
export function splitLabels(text: string): string[] {
  const labels = text.split(DOTS)
  if (labels.length > 1 && labels.at(-1) === '') labels.pop()
  return labels
}

/** A name as A-labels in lower case without a trailing dot, at most 253 octets (RFC 1035 2.3.4); else undefined. */
export function toALabels(text: string): string | undefined {
  const lower = text.toLowerCase()
  if (PLAIN_NAME.test(lower)) return lower.length <= 253 ? lower : undefined
  const labels = splitLabels(text).map(toALabel)
  const name = labels.join('.')
  return labels.includes(undefined) || name.length > 253 ? undefined : name
}

/** Width forms are written for ASCII letters and Katakana and mean the same (RFC 5895 section 2). */
const WIDTH_FORM = /[\uff00-\uffef]/
/** RFC 5892 section 2.6 and appendix A: allowed, some of them only beside certain others. */
const ALLOWED_EXCEPTION = /[\u00b7\u00df\u0375\u03c2\u05f3\u05f4\u06fd\u06fe\u0f0b\u200c-\u200d\u3007\u30fb]/
/** RFC 5892 sections 2.6, 2.8, 2.9: never allowed, though they are letters, digits or marks. */
const DISALLOWED_EXCEPTION =
  /[\u20d0-\u20ff\u302e-\u302f\u0640\u07fa\u1100-\u11ff\u3031-\u3035\u303b\ua960-\ua97c\ud7b0-\ud7fb\u{1d100}-\u{1d24f}\p{Default_Ignorable_Code_Point}]/u
/** RFC 5892 section 2.1 without capitals, and the underscore, which is in use. */
const LETTER_DIGIT = /^[a-z0-9_\-\p{Ll}\p{Lo}\p{Lm}\p{Mn}\p{Mc}\p{Nd}]$/u

/** RFC 5892 section 3, for a character in lower case. */
function isAllowed(character: string): boolean {
  if (ALLOWED_EXCEPTION.test(character)) return true
  // Section 2.2, Unstable: compatibility forms such as ligatures and superscripts.
  const stable = character.normalize('NFKC').toLowerCase().normalize('NFKC') === character
  return stable && LETTER_DIGIT.test(character) && !DISALLOWED_EXCEPTION.test(character)
}

/** A character of a text and where it stands, UTF-16 code units from 0. */
export interface CharacterAt {
  readonly character: string
  readonly start: number
}

/**
 * The first character that no domain name may have by IDNA 2008 (RFC 5892), such as a curly quote, a dash, a no-break space, an
 * emoji or a symbol; dots and, for patterns, `*` and `?` are passed over. Node's `domainToASCII` follows UTS #46, which lets
 * most symbols pass and drops what is invisible; so does every library for UTS #46.
 */
export function findDisallowedCharacter(text: string): CharacterAt | undefined {
  if (PLAIN_PATTERN.test(text)) return undefined
  let start = 0
  for (const character of text) {
    if (!DOTS.test(character) && character !== '*' && character !== '?') {
      const mapped = WIDTH_FORM.test(character) ? character.normalize('NFKC') : character
      if (![...mapped.toLowerCase().normalize('NFC')].every(isAllowed)) return { character, start }
    }
    start += character.length
  }
  return undefined
}

/**
 * A host that the operator wrote, as a lower-case name of A-labels or an IP address without brackets; undefined if it is
 * neither. A name whose last label is a number would be taken for an IPv4 address (RFC 3696 section 2), so it is refused.
 */
export function toHost(text: string): string | undefined {
  if (text.includes(':')) return isIPv6(text) ? canonicalIPv6(text) : undefined
  if (findDisallowedCharacter(text) !== undefined) return undefined
  const name = toALabels(text)
  if (name === undefined || /(?:^|\.)-|-(?:\.|$)/.test(name)) return undefined
  if (!/(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(name)) return name
  return isIPv4(text) ? text : undefined
}

/**
 * RFC 5952, so that one address is written one way; a zone (`%eth0`) stays. One that is mapped from IPv4 (RFC 4291 section 2.5.5.2) is
 * written as IPv4: the connection goes there, so what holds for that address must hold for it.
 */
export function canonicalIPv6(text: string): string {
  const [address = '', zone] = text.split('%')
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(canonical)
  if (mapped !== null) return mapped.slice(1).flatMap(toOctets).join('.')
  return zone === undefined ? canonical : `${canonical}%${zone}`
}

function toOctets(group: string): number[] {
  const value = Number.parseInt(group, 16)
  return [value >> 8, value & 255]
}

/** Is it an address of IPv6 that is mapped from IPv4? */
export const isMapped = (address: string): boolean => /^[:0]*:ffff:/i.test(address)

/** An address; one of IPv6 that is mapped from IPv4 as IPv4. */
export const unmapAddress = (address: string): string =>
  isMapped(address) ? canonicalIPv6(address) : address

/** Is the text written as a domain literal (RFC 5321 4.1.3)? */
export const isLiteral = (domain: string) => domain.startsWith('[') && domain.endsWith(']')

/** The address of a domain literal, `[192.0.2.1]` or `[IPv6:2001:db8::1]`; undefined if it holds no address. */
export function literalAddress(domain: string): string | undefined {
  if (!isLiteral(domain)) return undefined
  const inside = domain.slice(1, -1)
  if (isIPv4(inside)) return inside
  const v6 = /^ipv6:(.*)$/i.exec(inside)?.[1]
  return v6 !== undefined && isIP(v6) === 6 && !v6.includes('%') ? canonicalIPv6(v6) : undefined
}
