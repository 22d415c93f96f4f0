import { nearest } from '../source/suggest'
import { LAST_PORT, parseEndpoint, SMTP_PORT, SMTPS_PORT, type Endpoint } from '../model/endpoint'
import type { Credentials, Relay } from '../model/relay'
import { Secret } from '../model/secret'
import { DEFAULT_TERMS, SMTPS_TERMS } from '../model/terms'
import type { WordReader } from '../source/word'
import type { Target } from './types'

const HOST = 'a host name, an IPv4 address or [IPv6]'
const FORM = '[<user>:<password>@]<host>[:<port>], @NAME or $direct'

/** The relays that a line may name, by their name in lower case. */
export type NamedRelays = ReadonlyMap<string, Relay & { readonly name: string }>

/**
 * target      = "$direct" | "@" relay-name | [ "smtps://" ] [ credentials "@" ] host [ ":" port ]
 * credentials = user ":" password        the last "@" ends them, the first ":" ends the user
 * host        = name | IPv4 | "[" IPv6 "]"
 */
export function parseTarget(word: WordReader, relays: NamedRelays): Target | undefined {
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

function parseRelayTarget(word: WordReader, relays: NamedRelays): Target | undefined {
  const wanted = word.text.slice(1)
  const relay = relays.get(wanted.toLowerCase())
  if (relay !== undefined) return { kind: 'named', relay, span: word.span() }
  const names = [...relays.values()].map(({ name }) => name)
  const near = nearest(wanted, names)
  const known =
    names.length === 0 ? 'the file has none' : `the file has ${names.map((name) => `@${name}`).join(', ')}`
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
  const endpoint = parseServer(word, Math.max(begin, at + 1), implicitTls ? SMTPS_PORT : SMTP_PORT)
  if (endpoint === undefined || (at !== -1 && credentials === undefined)) return undefined
  return { kind: 'inline', relay: inlineRelay(endpoint, credentials, implicitTls), span: word.span() }
}

/** Written out, so that the very many of a long list have few shapes and share their terms. */
function inlineRelay(endpoint: Endpoint, credentials: Credentials | undefined, implicitTls: boolean): Relay {
  const terms = implicitTls ? SMTPS_TERMS : DEFAULT_TERMS
  return credentials === undefined
    ? { endpoint, terms, implicitTls, allowPlaintextAuth: false }
    : { endpoint, terms, credentials, implicitTls, allowPlaintextAuth: false }
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
function parseServer(word: WordReader, begin: number, defaultPort: number): Endpoint | undefined {
  const text = word.text.slice(begin)
  const reading = parseEndpoint(text)
  if (reading.ok) {
    if (!reading.bareIPv6) return { host: reading.host, port: reading.port ?? defaultPort }
    const help = { expected: FORM, suggestion: `[${text}]` }
    return word.error('bare-ipv6', 'an IPv6 address without brackets', help, begin)
  }
  const { fault, suggestion } = reading
  const start = begin + reading.start
  const end = begin + reading.end
  switch (fault) {
    case 'missing-host':
      if (text === '') return word.error('missing-host', 'a host is missing', { expected: FORM }, begin)
      return word.error('bad-host', 'a host is missing', { expected: HOST, suggestion }, start, end)
    case 'bad-host': {
      const problem = `"${word.quote(start, end)}" is neither a host name nor an IP address`
      return word.error('bad-host', problem, { expected: HOST, suggestion }, start, end)
    }
    case 'bad-port': {
      const problem = `bad port "${word.quote(start, end).replace(/^:/, '')}"`
      return word.error('bad-port', problem, { expected: `a port from 1 to ${LAST_PORT}` }, start, end)
    }
    default:
      return fault satisfies never
  }
}
