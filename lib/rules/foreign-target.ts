import { isIP } from 'node:net'
import { isHostLike } from '../config/mask-words'
import { formatHost, parseEndpoint, SMTPS_PORT, splitBareIPv6 } from '../model/endpoint'
import { servicePort } from '../model/service'
import type { Help } from '../source/report'
import type { WordReader } from '../source/word'

const FORM = '[<user>:<password>@]<host>[:<port>]'

/** A name or an address and a number: what nearly every target is. */
const PLAIN_SERVER = /^[a-z0-9.-]+(?::\d+)?$/i

/** What is said of a target that was written for another program. */
interface ForeignForm extends Help {
  readonly code: 'bad-port' | 'postfix-form' | 'separated-fields' | 'second-target'
  readonly message: string
}

const TRANSPORT = /^(smtps?|relay|lmtp|local|virtual|error|retry|discard):(?!\d+$)(.*)$/i
const NO_SERVER = /^(?:local|virtual|error|retry|discard)$/i

/** A server as a target writes it: without the brackets that only IPv6 has there, its port as a number, 465 as `smtps://`. */
function rewriteServer(text: string): string | undefined {
  const [, inside, rest = ''] = /^\[([^\]:]*)\](.*)$/.exec(text) ?? []
  const [bare = '', service = ''] = (inside === undefined ? text : `${inside}${rest}`).split(/:(?=[a-z]+$)/i)
  const reading = parseEndpoint(service === '' ? bare : `${bare}:${servicePort(service) ?? service}`)
  if (!reading.ok || (reading.bareIPv6 && splitBareIPv6(text) !== undefined)) return undefined
  const { host, port } = reading
  if (port === SMTPS_PORT) return `smtps://${formatHost(host)}`
  return `${formatHost(host)}${port === undefined ? '' : `:${port}`}`
}

/** `smtp:[host]:587`, `smtp:host.name`, `[host]:587`, `error:5.1.1`: the right side of a transport map (Postfix transport(5)). */
function findPostfixForm(text: string): ForeignForm | undefined {
  const [, transport, server = text] = TRANSPORT.exec(text) ?? []
  if (transport !== undefined && NO_SERVER.test(transport) && !server.includes('@')) {
    const message = `"${transport.toLowerCase()}:" is a transport of Postfix, and a target is a server`
    return { code: 'postfix-form', message, expected: FORM }
  }
  if (/^lmtp:unix:/i.test(text)) {
    const message = '"lmtp:unix:" is a socket of Postfix, and a target is a server'
    return { code: 'postfix-form', message, expected: FORM }
  }
  const [, inside] = /^\[([^\]]*)\]/.exec(server) ?? []
  if (inside === undefined ? transport === undefined || !server.includes('.') : isIP(inside) === 4)
    return undefined
  const suggestion = rewriteServer(server)
  if (suggestion === undefined || suggestion === text || parseEndpoint(text).ok) return undefined
  return { code: 'postfix-form', message: 'a server as Postfix writes it', expected: FORM, suggestion }
}

/** `smtp.example.net:submission`: Postfix and others look the number up in /etc/services. */
function findNamedPort(text: string): ForeignForm | undefined {
  if (!/:[a-z]+$/i.test(text)) return undefined
  const [, login, server = '', service = ''] = /^(.*@)?([^@]*):([a-z]+)$/i.exec(text) ?? []
  const port = servicePort(service)
  if (port === undefined) return undefined
  const rewritten = rewriteServer(`${server}:${service}`)
  const suggestion =
    login === undefined ? rewritten : rewritten?.replace(/^(smtps:\/\/)?/, '$1<user>:<password>@')
  const message = `a port is a number, and ${service.toLowerCase()} is ${port}`
  return { code: 'bad-port', message, expected: FORM, suggestion }
}

/** `host|port|user|password`, and several hosts in one word. */
function findFields(word: WordReader): ForeignForm | undefined {
  const { text } = word
  const [separator] = /[|;,/\\]/.exec(text) ?? []
  if (separator === undefined || /^[a-z+.-]+:\/\//i.test(text)) return undefined
  const fields = text.replace(/,$/, '').split(separator)
  // In `user:password@host` it is a part of the password.
  if (/:.*@/.test(text) && !isHostLike(fields[0]!)) return undefined
  const isHost = (field: string) => parseEndpoint(field).ok && !/^\d+$/.test(field)
  // `h1, h2` is two words. What is masked of it is not a host.
  if (/[;,]/.test(separator) && fields.every(isHost) && word.isShown()) {
    const expected = 'one host a line; another line for another host'
    return { code: 'second-target', message: 'several hosts in one target', expected }
  }
  const message = `the fields of a target are not separated by "${separator}"`
  return { code: 'separated-fields', message, expected: '<user>:<password>@<host>:<port>' }
}

/**
 * Reports a target that is written as other programs write theirs.
 *
 * @returns whether it is one
 */
export function reportForeignTarget(word: WordReader): boolean {
  if (PLAIN_SERVER.test(word.text)) return false
  const form = findPostfixForm(word.text) ?? findNamedPort(word.text) ?? findFields(word)
  if (form === undefined) return false
  const { code, message, ...help } = form
  word.error(code, message, help)
  return true
}
