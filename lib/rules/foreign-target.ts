import { isIP } from 'node:net'
import { formatHost, parseEndpoint } from '../model/endpoint'
import type { Help } from '../source/report'
import type { WordReader } from '../source/word'

const FORM = '[<user>:<password>@]<host>[:<port>]'

/** What is said of a target that was written for another program. */
interface ForeignForm extends Help {
  readonly code: 'postfix-form' | 'separated-fields' | 'second-target'
  readonly message: string
}

const TRANSPORT = /^(smtps?|relay|lmtp|local|virtual|error|retry|discard):(?!\d+$)(.*)$/i
const NO_SERVER = /^(?:local|virtual|error|retry|discard)$/i

/** The names of ports that Postfix takes (services(5)). */
const PORTS: Readonly<Record<string, number>> = { smtp: 25, submission: 587 }

/** `[host]:port` without the brackets, which a target has only for IPv6. */
function withoutBrackets(text: string): string | undefined {
  const [, inside, rest = ''] = /^\[([^\]:]*)\](.*)$/.exec(text) ?? []
  const [bare = '', service] = (inside === undefined ? text : `${inside}${rest}`).split(/:(?=[a-z]+$)/)
  const named = service === undefined ? '' : `:${PORTS[service] ?? service}`
  const reading = parseEndpoint(`${bare}${named}`)
  if (!reading.ok) return undefined
  return `${formatHost(reading.host)}${reading.port === undefined ? '' : `:${reading.port}`}`
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
  const suggestion = withoutBrackets(server)
  if (suggestion === undefined || suggestion === text || parseEndpoint(text).ok) return undefined
  return { code: 'postfix-form', message: 'a server as Postfix writes it', expected: FORM, suggestion }
}

/** `host|port|user|password`, and several hosts in one word. */
function findFields(text: string): ForeignForm | undefined {
  const [separator] = /[|;,]/.exec(text) ?? []
  const count = text.match(/[|;,]/g)?.length ?? 0
  // Of one separator and "@" it may be a part of a password.
  if (separator === undefined || (count === 1 && text.includes('@') && text.includes(':'))) return undefined
  const isHost = (field: string) => parseEndpoint(field).ok && !/^\d+$/.test(field)
  // `h1, h2` is two words.
  if (separator !== '|' && text.replace(/,$/, '').split(separator).every(isHost)) {
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
  const form = findPostfixForm(word.text) ?? findFields(word.text)
  if (form === undefined) return false
  const { code, message, ...help } = form
  word.error(code, message, help)
  return true
}
