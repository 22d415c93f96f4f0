import { isIP } from 'node:net'
import { nearest } from '../source/suggest'
import { toHost } from '../model/domain'
import { INLINE_DEFAULTS, type Credentials, type Nexthop } from '../model/nexthop'
import { Secret } from '../model/secret'
import type { WordReader } from '../source/word'
import type { Target } from './types'

const SMTP_PORT = 25
const SMTPS_PORT = 465
const FORM = '[<user>:<password>@]<host>[:<port>], @NAME or $direct'

/** The names of the relays there are: as written, by their name in lower case. */
export type RelayNames = ReadonlyMap<string, string>

/**
 * target      = "$direct" | "@" relay-name | [ "smtps://" ] [ credentials "@" ] host [ ":" port ]
 * credentials = user ":" password        the last "@" ends them, the first ":" ends the user
 * host        = name | IPv4 | "[" IPv6 "]"
 */
export function parseTarget(word: WordReader, relays: RelayNames): Target | undefined {
  const { text } = word
  if (text.toLowerCase() === '$direct') return { kind: 'direct', span: word.span() }
  if (text.startsWith('$')) {
    return word.error('missing-target', 'a target is missing before the conditions and options', {
      expected: FORM,
      suggestion: nearest(text, ['$direct']),
    })
  }
  if (text.startsWith('@')) return parseRelayTarget(word, relays)
  return parseHostTarget(word)
}

function parseRelayTarget(word: WordReader, relays: RelayNames): Target | undefined {
  const wanted = word.text.slice(1)
  const name = relays.get(wanted.toLowerCase())
  if (name !== undefined) return { kind: 'relay', name, span: word.span() }
  const near = nearest(wanted, relays.values())
  const known =
    relays.size === 0 ? 'there is none' : `there is ${[...relays.values()].map((n) => `@${n}`).join(', ')}`
  return word.error(
    'unknown-relay',
    wanted === '' ? 'the name of a relay is missing' : `unknown relay ${word.quote()}`,
    {
      expected: `the NAME of a section [relay:NAME]; ${known}`,
      suggestion: near === undefined ? undefined : `@${near}`,
    },
  )
}

function parseHostTarget(word: WordReader): Target | undefined {
  const { text } = word
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)
  if (scheme !== null && scheme[1]!.toLowerCase() !== 'smtps') {
    return word.error(
      'bad-scheme',
      'a target is a host and no URL',
      { expected: `${FORM}; or smtps://...` },
      0,
      scheme[0].length,
    )
  }
  const implicitTls = scheme !== null
  const begin = scheme?.[0].length ?? 0
  const at = text.lastIndexOf('@')
  const credentials = at === -1 ? undefined : parseCredentials(word, begin, at)
  const place = parsePlace(word, Math.max(begin, at + 1), implicitTls ? SMTPS_PORT : SMTP_PORT)
  if (place === undefined || (at !== -1 && credentials === undefined)) return undefined
  const nexthop = nexthopOf(place.host, place.port, credentials, implicitTls)
  return { kind: 'host', nexthop, span: word.span() }
}

/** Written out, so that the very many of a long list are of one shape. */
function nexthopOf(
  host: string,
  port: number,
  credentials: Credentials | undefined,
  implicitTls: boolean,
): Nexthop {
  const { allowPlaintextAuth, lmtp, retryAfter } = INLINE_DEFAULTS
  const tls = implicitTls ? 'required' : INLINE_DEFAULTS.tls
  return credentials === undefined
    ? { host, port, tls, implicitTls, allowPlaintextAuth, lmtp, retryAfter }
    : { host, port, credentials, tls, implicitTls, allowPlaintextAuth, lmtp, retryAfter }
}

function parseCredentials(word: WordReader, begin: number, at: number): Credentials | undefined {
  const text = word.text.slice(begin, at)
  const colon = text.indexOf(':')
  const expected = '<user>:<password>@<host>'
  if (colon === -1 || colon === text.length - 1) {
    return word.error(
      'missing-password',
      'a user without a password',
      { expected },
      begin,
      Math.max(at, begin + 1),
    )
  }
  if (colon === 0)
    return word.error('missing-user', 'a password without a user', { expected }, begin, begin + 1)
  return { user: text.slice(0, colon), password: new Secret(text.slice(colon + 1)) }
}

/** Host and port, from `begin` to the end of the word. */
function parsePlace(
  word: WordReader,
  begin: number,
  defaultPort: number,
): { host: string; port: number } | undefined {
  const text = word.text.slice(begin)
  if (text === '') return word.error('missing-host', 'a host is missing', { expected: FORM }, begin)
  if (isIP(text) === 6) {
    return word.error(
      'bare-ipv6',
      'an IPv6 address without brackets',
      { expected: FORM, suggestion: `[${text}]` },
      begin,
    )
  }
  const bracket = /^\[([^\]]*)\](.*)$/.exec(text)
  const name = bracket?.[1] ?? (text.startsWith('[') ? text : text.split(':', 1)[0]!)
  const rest = bracket?.[2] ?? text.slice(name.length)
  const host = bracket !== null && isIP(name) !== 6 ? undefined : toHost(name)
  const nameEnd = begin + text.length - rest.length
  if (host === undefined) {
    const v6 = /^ipv6:(.*)$/i.exec(name)?.[1]
    const inBrackets = bracket !== null && isIP(v6 ?? '') === 6 ? `[${v6}]` : undefined
    const suggestion = inBrackets ?? (bracket !== null && isIP(name) === 4 ? name : undefined)
    const problem =
      name === ''
        ? 'a host is missing'
        : `"${word.quote(begin, nameEnd)}" is neither a host name nor an IP address`
    return word.error(
      'bad-host',
      problem,
      { expected: 'a host name, an IPv4 address or [IPv6]', suggestion },
      begin,
      nameEnd,
    )
  }
  if (rest === '') return { host, port: defaultPort }
  const port = Number(rest.slice(1))
  if (!/^:\d{1,5}$/.test(rest) || port < 1 || port > 65_535) {
    const problem = `bad port "${word.quote(nameEnd).replace(/^:/, '')}"`
    return word.error('bad-port', problem, { expected: 'a port from 1 to 65535' }, nameEnd)
  }
  return { host, port }
}
