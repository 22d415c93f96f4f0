import { createRequire } from 'node:module'
import { Secret } from '../model/secret'
import { RedisError } from './errors'

/** The part of node-redis' client that is used. */
export interface RedisClient {
  on(event: 'error', listener: (error: Error) => void): unknown
  connect(): Promise<unknown>
  sendCommand(command: readonly string[]): Promise<unknown>
  /** Takes the connection off those that keep the process alive. */
  unref(): void
  destroy(): void
}

/** The options of node-redis, as haraka-plugin-redis merges them. */
export type RedisOptions = Readonly<Record<string, unknown>>

/** The part of haraka-plugin-redis 2.1 (`index.js`) that is used. */
interface RedisPlugin {
  merge_redis_ini(this: RedisPluginSelf): void
  load_redis_ini(this: RedisPluginSelf): void
}

interface RedisPluginSelf {
  cfg: { redis: Record<string, unknown> }
  readonly config: { readonly get: () => unknown }
  readonly load_redis_ini: () => void
}

/** `[redis]` of the file, and what `redis.ini` has. */
export interface RedisSettings {
  readonly section: Readonly<Record<string, string | Secret>>
  /** By section and key, as haraka-config reads them. */
  readonly redisIni: Readonly<Record<string, Readonly<Record<string, string>>>>
}

const PLUGIN = 'haraka-plugin-redis'
/** The longest time to connect and to be greeted, milliseconds. */
const CONNECT_TIMEOUT_MS = 2_000

const requireHere = createRequire(__filename)

/** haraka-config turns a value that looks like a number into one; `tls = true` is a boolean. */
function valueOf(key: string, value: string | Secret): unknown {
  const text = value instanceof Secret ? value.reveal() : value
  if (key === 'password' || key === 'username' || key === 'url') return text
  if (/^-?\d+$/.test(text)) return Number(text)
  if (key === 'tls' || key === 'noDelay' || key === 'keepAlive')
    return /^(?:true|yes|ok|enabled|on)$/i.test(text)
  return text
}

function valuesOf(fields: Readonly<Record<string, string | Secret>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, valueOf(key, value)]))
}

/**
 * The options of a connection: `redis.ini` and `[redis]`, merged as haraka-plugin-redis does for the plugins that inherit from it.
 * It is given its file without asking haraka-config, which would keep our callback in place of another plugin's.
 *
 * @throws Error if haraka-plugin-redis cannot be loaded
 */
export function mergeSettings({ section, redisIni }: RedisSettings): RedisOptions {
  const plugin = requireHere(PLUGIN) as RedisPlugin
  const raw = Object.fromEntries(Object.entries(redisIni).map(([name, fields]) => [name, valuesOf(fields)]))
  const self: RedisPluginSelf = {
    cfg: { redis: valuesOf(section) },
    config: { get: () => raw },
    load_redis_ini: () => plugin.load_redis_ini.call(self),
  }
  plugin.merge_redis_ini.call(self)
  return self.cfg.redis
}

/**
 * A client by the version of node-redis that haraka-plugin-redis has: another may be installed next to it.
 *
 * @throws RedisError for options that node-redis refuses; without its own words, which quote a URL with its password
 */
export function createClient(options: RedisOptions): RedisClient {
  const requireThere = createRequire(requireHere.resolve(PLUGIN))
  const { createClient: create } = requireThere('redis') as {
    createClient(options: Record<string, unknown>): RedisClient
  }
  try {
    const { socket, ...rest } = options
    return create({
      ...rest,
      socket: { connectTimeout: CONNECT_TIMEOUT_MS, ...(socket as object), reconnectStrategy: false },
      disableOfflineQueue: true,
      // Commands that nothing needs, and that an ACL would have to allow.
      disableClientInfo: true,
      maintNotifications: 'disabled',
    })
  } catch (error) {
    throw new RedisError('the settings of [redis] and redis.ini do not fit together', error)
  }
}
