import { isIP } from 'node:net'
import { toALabels } from '../model/domain'

// For lower-case text without a trailing dot. Lengths: RFC 1035 section 2.3.4, minus the two octets that only the wire form has.
// RFC 1123 2.1, and the underscore that Postfix and others let pass: refusing it would hold mail for domains in use.
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/
const NUMERIC_TOP = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/
const NON_ASCII = /[^\0-\x7f]/

/**
 * The name to ask for: A-labels in lower case without a trailing dot (RFC 5891, RFC 4343). `undefined` if the text is not such a
 * name: an empty label, one above 63 octets, or any character other than letters, digits, hyphen and underscore. Nothing is
 * corrected, while dns2 3.1 turns `a..b` into `a.b` and cuts the codes of characters to 8 bits.
 */
export function toQueryName(text: string): string | undefined {
  const name = toALabels(text)
  // Wide digits may turn into an IP address, which is not a name.
  return name !== undefined && isIP(name) !== 0 && NON_ASCII.test(text) ? undefined : name
}

/**
 * Is this lower-case name one that a host may have? Not if its last label is a number: the name would be taken for an IPv4
 * address (RFC 1123 section 2.1, RFC 3696 section 2).
 */
export function isHostName(name: string): boolean {
  return HOST_NAME.test(name) && !NUMERIC_TOP.test(name)
}

/** Octets of the wire form of a name that {@link toQueryName} gave. */
export function wireLength(name: string): number {
  return name.length + 2
}

/** Writes the wire form of a name that {@link toQueryName} gave (RFC 1035 3.1). Returns the offset after it. */
export function writeName(name: string, target: Buffer, offset: number): number {
  let lengthAt = offset
  let at = offset + 1
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code === 0x2e) {
      target[lengthAt] = at - lengthAt - 1
      lengthAt = at
    } else {
      target[at] = code
    }
    at++
  }
  target[lengthAt] = at - lengthAt - 1
  target[at] = 0
  return at + 1
}

/** Is `name` the zone or below it? Both lower case without trailing dot; the root is ''. */
export function isWithin(name: string, zone: string): boolean {
  return zone === '' || name === zone || (name.endsWith(zone) && name[name.length - zone.length - 1] === '.')
}
