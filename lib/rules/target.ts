import { isIPv6 } from 'node:net'
import { nearest } from '../source/suggest'
import { nameCharacter } from '../model/character'
import { findDisallowedCharacter } from '../model/domain'
import { formatHost, LAST_PORT, parseEndpoint, SMTP_PORT, SMTPS_PORT, type Endpoint } from '../model/endpoint'
import type { Credentials, Relay } from '../model/relay'
import { Secret } from '../model/secret'
import { RELAY_TERMS, SMTPS_TERMS, type DirectTerms } from '../model/terms'
import type { Help } from '../source/report'
import type { WordReader } from '../source/word'
import { copyText } from './copy-text'
import { reportForeignTarget } from './foreign-target'
import type { Target } from './types'

const HOST = 'a host name, an IPv4 address or [IPv6]'
const FORM = '[<user>:<password>@]<host>[:<port>], @NAME or $direct'

/** What a line may name, by the name in lower case. */
export type NamedTargets = ReadonlyMap<string, NamedTarget>

/** What `@NAME` stands for. */
export type NamedTarget =
  | { readonly kind: 'named'; readonly relay: Relay & { readonly name: string } }
  | { readonly kind: 'terms'; readonly direct: DirectTerms & { readonly name: string } }

const nameOf = (target: NamedTarget) => (target.kind === 'named' ? target.relay.name : target.direct.name)

/**
 * target      = "$direct" | "@" name | [ "smtps://" ] [ credentials "@" ] host [ ":" port ]
 * credentials = user ":" password        the last "@" ends them, the first ":" ends the user
 * host        = name | IPv4 | "[" IPv6 "]"
 */
export function parseTarget(word: WordReader, names: NamedTargets): Target | undefined {
  const { text } = word
  if (text.startsWith('$')) {
    if (text.toLowerCase() === '$direct') return { kind: 'direct' }
    return word.error('missing-target', 'a target is missing before the conditions and options', {
      expected: FORM,
      suggestion: nearest(text, ['$direct']),
    })
  }
  if (text.startsWith('@')) return parseNamedTarget(word, names)
  if (reportForeignTarget(word)) return undefined
  if (!text.includes('@')) warnOfMissingSign(word, names)
  return parseHostTarget(word)
}

/** A host without a dot that is called like something with a sign before it. */
function warnOfMissingSign(word: WordReader, names: NamedTargets): void {
  const key = word.text.toLowerCase()
  const named = names.get(key)
  const suggestion = key === 'direct' ? '$direct' : named === undefined ? undefined : `@${nameOf(named)}`
  if (suggestion === undefined) return
  const meaning = named?.kind === 'named' ? `the relay ${named.relay.name}` : "the domain's own MX"
  word.warning('missing-sign', `a host named ${key}, and not ${meaning}`, { suggestion })
}

/** Relays and terms that an error names. */
const MOST_NAMED = 20

function parseNamedTarget(word: WordReader, targets: NamedTargets): Target | undefined {
  const wanted = word.text.slice(1)
  const target = targets.get(wanted.toLowerCase())
  if (target !== undefined) return target
  // A name that was refused at its section is not offered.
  const names = [...targets.values()].map(nameOf).filter((name) => /^[\w.-]+$/.test(name))
  const near = nearest(wanted, names)
  const others = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ''
  const shown = names.slice(0, MOST_NAMED).map((name) => `@${name}`)
  const known = names.length === 0 ? 'the file has none' : `the file has ${shown.join(', ')}${others}`
  return word.error(
    'unknown-relay',
    wanted === '' ? 'the name of a relay is missing' : `unknown relay ${word.quote()}`,
    {
      expected: `the NAME of a section [relay:NAME] or [direct:NAME]; ${known}`,
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
      'a target is a host and not a URL',
      { expected: `${FORM}; or smtps://...` },
      0,
      scheme[0].length,
    )
  }
  const implicitTls = scheme !== null
  const begin = scheme?.[0].length ?? 0
  const at = text.lastIndexOf('@')
  const credentials = at === -1 ? undefined : parseCredentials(word, begin, at, implicitTls)
  const endpoint = parseServer(word, Math.max(begin, at + 1), implicitTls ? SMTPS_PORT : SMTP_PORT)
  if (endpoint === undefined || (at !== -1 && credentials === undefined)) return undefined
  if (endpoint.port === SMTPS_PORT && !implicitTls) {
    // Both ends would wait for the other's greeting.
    return word.error('implicit-tls', 'port 465 speaks TLS from the first byte', {
      expected: `smtps://[<user>:<password>@]${formatHost(endpoint.host)}`,
      suggestion: at === -1 ? `smtps://${formatHost(endpoint.host)}` : undefined,
    })
  }
  return { kind: 'inline', relay: inlineRelay(endpoint, credentials, implicitTls) }
}

/** Where the address may end in a port, both readings: a suggestion must not be another address. */
function bracketHelp(text: string): Help {
  const [, address = '', port] = /^(.*):(\d{2,5})$/.exec(text) ?? []
  if (port === undefined || !isIPv6(address)) return { expected: FORM, suggestion: `[${text}]` }
  return { expected: `[${text}], or [${address}]:${port} for port ${port}` }
}

/** Written out, so that the very many of a long list have few shapes and share their terms. */
function inlineRelay(endpoint: Endpoint, credentials: Credentials | undefined, implicitTls: boolean): Relay {
  const terms = implicitTls ? SMTPS_TERMS : RELAY_TERMS
  return credentials === undefined
    ? { endpoint, terms, implicitTls, allowPlaintextAuth: false }
    : { endpoint, terms, credentials, implicitTls, allowPlaintextAuth: false }
}

/** User and password; in a URL they are percent-encoded (RFC 3986 section 3.2.1). */
function parseCredentials(
  word: WordReader,
  begin: number,
  at: number,
  isUrl: boolean,
): Credentials | undefined {
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
  const parts = [text.slice(0, colon), text.slice(colon + 1)]
  const [user, password] = isUrl ? parts.map(decodePercent) : parts
  if (user === undefined || password === undefined) {
    const help = { expected: '%25 for a "%" in the user or the password of smtps://' }
    return word.error('bad-percent', 'a "%" that encodes no text', help, begin, at)
  }
  return { user, password: new Secret(password) }
}

function decodePercent(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text)
    return /\p{Cc}/u.test(decoded) ? undefined : decoded
  } catch {
    return undefined
  }
}

/** Host and port, from `begin` to the end of the word. */
function parseServer(word: WordReader, begin: number, defaultPort: number): Endpoint | undefined {
  const text = word.text.slice(begin)
  const reading = parseEndpoint(text)
  if (reading.ok) {
    if (!reading.bareIPv6) return { host: copyText(reading.host), port: reading.port ?? defaultPort }
    return word.error('bare-ipv6', 'an IPv6 address without brackets', bracketHelp(text), begin)
  }
  const { fault, suggestion } = reading
  const start = begin + reading.start
  const end = begin + reading.end
  switch (fault) {
    case 'missing-host':
      if (text === '') return word.error('missing-host', 'a host is missing', { expected: FORM }, begin)
      return word.error('bad-host', 'a host is missing', { expected: HOST, suggestion }, start, end)
    case 'bad-host': {
      const withPort = /^(.*):(\d{1,5})$/.exec(text)
      if (isIPv6(withPort?.[1] ?? '')) {
        const help = { expected: FORM, suggestion: `[${withPort![1]}]:${withPort![2]}` }
        return word.error('bare-ipv6', 'an IPv6 address without brackets', help, begin)
      }
      const odd = findDisallowedCharacter(text.slice(reading.start, reading.end))
      if (odd !== undefined && !/[[\]]/.test(odd.character) && word.isShown(start, end)) {
        const at = start + odd.start
        const problem = `${nameCharacter(odd.character)} is not allowed in a host name`
        return word.error('bad-host', problem, { expected: HOST, suggestion }, at, at + odd.character.length)
      }
      const problem = `"${word.quote(start, end)}" is neither a host name nor an IP address`
      return word.error('bad-host', problem, { expected: HOST, suggestion }, start, end)
    }
    case 'bad-port': {
      const problem = `bad port "${word.quote(start, end).replace(/^:/, '')}"`
      // The right side of Postfix's sasl_passwd, among others.
      const isNumber = /^:?\d+$/.test(text.slice(reading.start, reading.end))
      const hint = isNumber ? '' : '; user and password stand before the host: <user>:<password>@<host>'
      return word.error('bad-port', problem, { expected: `a port from 1 to ${LAST_PORT}${hint}` }, start, end)
    }
    default:
      return fault satisfies never
  }
}
