import { toHost } from '../model/domain'
import { LAST_PORT } from '../model/endpoint'
import { Secret } from '../model/secret'
import { anyText, oneOf, wholeNumber, yesOrNo, type Reader } from './values'

/** The value as it is written, where the reader accepts it: node-redis gets the settings as haraka-plugin-redis reads them. */
const checked =
  (read: Reader<unknown>): Reader<string> =>
  (text) => {
    const reading = read(text)
    return reading.ok ? { ok: true, value: text } : reading
  }

/** As node-redis understands it: it would take any other word for no. */
const flag: Reader<string> = (text) => {
  const reading = yesOrNo(text)
  return reading.ok ? { ok: true, value: String(reading.value) } : reading
}

const host: Reader<string> = (text) =>
  toHost(text) === undefined
    ? { ok: false, expected: 'a host name or an IP address without brackets; the port has a key of its own' }
    : { ok: true, value: text }

const secretText: Reader<Secret> = (text) => {
  const reading = anyText(text)
  return reading.ok ? { ...reading, value: new Secret(reading.value) } : reading
}

const url: Reader<Secret> = (text) =>
  /^rediss?:\/\/\S+$/i.test(text) && URL.canParse(text)
    ? secretText(text)
    : { ok: false, expected: 'redis://[user:password@]host[:port][/database], or rediss:// for TLS' }

/** Milliseconds, as node-redis takes them. */
const milliseconds = checked(wholeNumber(0, 86_400_000))
const database = checked(wholeNumber(0, 1_000_000))

/** The keys of `[redis]`: those of [server] and [opts] in haraka-plugin-redis, and the options of node-redis that it hands on. */
export const REDIS_KEYS = {
  host,
  ip: host,
  port: checked(wholeNumber(1, LAST_PORT)),
  path: anyText,
  tls: flag,
  url,
  db: database,
  database,
  username: anyText,
  password: secretText,
  prefix: anyText,
  name: anyText,
  connectTimeout: milliseconds,
  noDelay: flag,
  keepAlive: flag,
  reconnectStrategy: anyText,
  commandsQueueMaxLength: anyText,
  pingInterval: milliseconds,
  RESP: checked(oneOf('2', '3')),
}
