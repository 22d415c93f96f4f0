import { isIP, isIPv6 } from 'node:net'
import { servicePort } from '../model/service'
import type { PlacedWord, Range } from '../source/mask'

/** Does the key name a secret? Then its value is masked even where the key is known. */
export const SECRETIVE = /pass|secret|pwd|token|key$/i

/** What follows a `:` is a port, by its number or its name, and not a password. */
export const looksLikePort = (text: string) => /^\d{1,5}$/.test(text) || servicePort(text) !== undefined

/** An IP address, perhaps one of IPv6 with a port and without brackets. */
export const isAddress = (text: string) =>
  isIP(text.replace(/%[a-z]+\d*$/, '')) !== 0 || isIPv6(text.replace(/:\d{1,5}$/, ''))

/** Two labels of letters and a few digits, or three of any kind of which the last has letters alone. */
const HOST = /^(?:[a-z][a-z-]*\d{0,2}(?:\.[a-z][a-z-]*\d{0,2})+|[a-z0-9-]+(?:\.[a-z0-9-]+)+\.[a-z]{2,})$/
/** Numbered as hosts are, or called by what they do. */
const HOST_WORD = /^(?:(?:localhost|mail|smtp|mx|relay|mta|host|gateway|backup|primary|secondary)\d{0,2})$/

/** A host name of several labels, or an address, perhaps with a port. Few passwords look like that. */
export function isHostLike(text: string): boolean {
  const [, written = text, port] = /^([^:]*):([^:]+)$/.exec(text) ?? []
  const host = replaceLetters(written)
  if (isIP(text) !== 0 || /^\[[0-9a-f:.]+\](?::\d{1,5})?$/i.test(text)) return true
  if (port !== undefined && !looksLikePort(port)) return false
  // Of one case: `S3.cret` is not one.
  return HOST.test(host) || HOST_WORD.test(host) || HOST.test(swapCase(host)) || isIP(host) !== 0
}

/** Lower-case letters of all scripts are as good as those of ASCII. */
const replaceLetters = (text: string) => text.replace(/[^\P{Ll}\0-\x7f]|[\p{Lo}\p{M}]/gu, 'a')

const swapCase = (text: string) => (text === text.toUpperCase() ? text.toLowerCase() : text)

/** What cannot be a password, wherever it stands: a host, a port, a single character. */
export const isOpenField = (text: string) => text.length === 1 || looksLikePort(text) || isHostLike(text)

/** A word or a number that is not a password: of one case, or a few digits with a unit. */
export const isPlainWord = (text: string) => /^(?:[a-z]{1,16}|[A-Z]{1,16}|\d{1,5}[a-zA-Z%]{0,3})$/.test(text)

/** Words, perhaps with a short number after each: `isp`, `Isp2`, `ISP`, `ispPassword`. */
const NAME_PART = /^(?:[A-Z]?[a-z]+(?:[A-Z][a-z]{2,})*|[A-Z]+)?\d{0,2}$/

/** A name of plain words, such as `joe.smith`, `isp-pw`, `isp_password`, `ISP_PASSWORD`. */
export const isName = (text: string) =>
  /\p{L}/u.test(text) &&
  replaceLetters(text)
    .split(/[._-]/)
    .every((part) => NAME_PART.test(part))

/** The parts of a path that do not look like names of files; all of it if it is neither a path nor a plain name. */
export function secretsOfPath({ text, start, end }: PlacedWord): readonly Range[] {
  if (!text.includes('/')) return isName(text) ? [] : [{ start, end }]
  if (!/^[~.]{0,2}\//.test(text) && !/\.[a-z]{2,8}$/.test(text)) return [{ start, end }]
  return [...text.matchAll(/[^/]+/g)].flatMap(({ 0: part, index }) =>
    // Kubernetes mounts secrets below a link of this form: `..2026_01_31_12_00_00.123456789`.
    /^[.~]{0,2}$|^\.\.\d{4}(?:_\d\d){5}\.\d+$/.test(part) || isName(part)
      ? []
      : [{ start: start + index, end: start + index + part.length }],
  )
}

/** All but the address of a page: user and password before the host, a query, a fragment; all of it if it is not like a URL. */
export function secretsOfUrl({ text, start, end }: PlacedWord): readonly Range[] {
  const plain = /^https?:\/\/[\w.-]+(?::\d{1,5})?(?:\/[\w.~-]*)*/i.exec(text)?.[0]
  if (plain === undefined || text.includes('@')) return [{ start, end }]
  return plain.length === text.length ? [] : [{ start: start + plain.length, end }]
}
