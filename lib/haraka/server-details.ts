import { isIP } from 'node:net'
import { isPort } from '../model/endpoint'
import { isPriority, sectionName, type Exchange } from '../model/exchange'
import type { Message } from '../model/message'
import { toPrintable } from '../model/printable'
import { formatBind, parseBind, type TlsPolicy } from '../model/terms'
import { normalizeDomain } from '../rules/domain-pattern'
import { type Loggable, RETVAL } from '../haraka-objects/plugin'

/**
 * What a hook `server_details` sees of an exchange and may change. `host` is looked up afterwards. `auth_user` and `name` can be read only.
 *
 *     exports.register = function () { this.register_hook('server_details', 'details') }
 *     exports.details = (next, _message, { exchange, envelope }) => {
 *       if (envelope.domain === 'example.com') { exchange.port = 2525; exchange.tls = 'required' }
 *       if (exchange.host === 'old.example.com') return next(DENYSOFT)   // not this one
 *       next()
 *     }
 */
export interface DetailedExchange {
  host: string
  port: number
  priority: number
  readonly auth_user?: string
  /** NAME of `[relay:NAME]` or `[direct:NAME]`, if it is of one. */
  readonly name?: string
  /** An address, or one of each family with a comma between them. */
  bind?: string
  bind_helo?: string
  tls: TlsPolicy
  lmtp: boolean
}

/** What a hook `server_details` sees of the message. */
export interface DetailedEnvelope {
  readonly sender: string
  readonly authenticated_sender: string
  readonly domain: string
  readonly size: number
  readonly retries: number
}

/** Haraka's `plugins.js`, as far as a hook is run with it. */
export interface HookRunner {
  readonly registered_hooks: Readonly<Record<string, readonly unknown[] | undefined>>
  run_hooks(hook: string, object: object, parameters: unknown): void
}

/** The hook and how long all its plugins together may take. */
export interface DetailsOptions {
  readonly runner: HookRunner
  readonly log: Loggable
  /** Milliseconds. If the plugins of an exchange have not answered by then, it is not changed. */
  readonly patienceMs: number
}

const HOOK = 'server_details'

/** The answer of Haraka's own timer for a hook that does not answer (`plugins.js` `run_next_hook`). */
const TIMEOUT = 'plugin timeout'

/**
 * The object with which Haraka runs the hook: `run_hooks` keeps its state on it, logs with its methods, and calls
 * `<hook>_respond` at the end.
 */
class ServerDetails implements Loggable {
  hooks_to_run: unknown[] = []
  readonly logdebug: Loggable['logdebug']
  readonly loginfo: Loggable['loginfo']
  readonly lognotice: Loggable['lognotice']
  readonly logwarn: Loggable['logwarn']
  readonly logerror: Loggable['logerror']
  readonly logcrit: Loggable['logcrit']

  constructor(
    log: Loggable,
    readonly server_details_respond: (retval: number, message?: unknown) => void,
  ) {
    this.logdebug = (...parameters) => log.logdebug(...parameters)
    this.loginfo = (...parameters) => log.loginfo(...parameters)
    this.lognotice = (...parameters) => log.lognotice(...parameters)
    this.logwarn = (...parameters) => log.logwarn(...parameters)
    this.logerror = (...parameters) => log.logerror(...parameters)
    this.logcrit = (...parameters) => log.logcrit(...parameters)
  }
}

function details(exchange: Exchange): DetailedExchange {
  const { endpoint, priority, relay, terms } = exchange
  const name = sectionName(exchange)
  return {
    host: endpoint.host,
    port: endpoint.port,
    priority,
    ...(relay?.credentials === undefined ? {} : { auth_user: relay.credentials.user }),
    ...(name === undefined ? {} : { name }),
    ...(terms.bind === undefined ? {} : { bind: formatBind(terms.bind) }),
    ...(terms.bindHelo === undefined ? {} : { bind_helo: terms.bindHelo }),
    tls: terms.tls,
    lmtp: terms.lmtp,
  }
}

const isHost = (value: unknown) =>
  typeof value === 'string' && (isIP(value) !== 0 || normalizeDomain(value) !== undefined)

/** What each field that may be changed must be. */
const VALID: Readonly<
  Record<Exclude<keyof DetailedExchange, 'auth_user' | 'name'>, (value: unknown) => boolean>
> = {
  host: isHost,
  port: isPort,
  priority: isPriority,
  bind: (value) => value === undefined || (typeof value === 'string' && parseBind(value) !== undefined),
  bind_helo: (value) => value === undefined || (typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)),
  tls: (value) => value === 'required' || value === 'opportunistic' || value === 'off',
  lmtp: (value) => typeof value === 'boolean',
}

/** The exchange with the valid changes. A change that is not valid is logged, and the old value stays. */
function applyChanges(
  exchange: Exchange,
  before: DetailedExchange,
  after: DetailedExchange,
  log: Loggable,
): Exchange {
  const accepted: Record<string, unknown> = { ...before }
  for (const [name, valid] of Object.entries(VALID)) {
    const value: unknown = after[name as keyof DetailedExchange]
    if (value === before[name as keyof DetailedExchange]) continue
    if (valid(value)) accepted[name] = value
    else
      log.logerror(
        `server_details: ${name} of ${exchange.endpoint.host} is not changed: ${toPrintable(JSON.stringify(value) ?? '')} is not a valid ${name}`,
      )
  }
  if (after.auth_user !== before.auth_user) {
    log.logerror(
      `server_details: auth_user of ${exchange.endpoint.host} is not changed: it belongs to the password`,
    )
  }
  if (after.name !== before.name) {
    log.logerror(
      `server_details: name of ${exchange.endpoint.host} is not changed: limits are counted under it`,
    )
  }
  return rebuild(exchange, before, accepted as unknown as DetailedExchange)
}

function rebuild(exchange: Exchange, before: DetailedExchange, after: DetailedExchange): Exchange {
  const same = (Object.keys(VALID) as (keyof DetailedExchange)[]).every(
    (name) => after[name] === before[name],
  )
  if (same) return exchange
  const { port, priority, tls, lmtp, bind, bind_helo } = after
  const host = isIP(after.host) === 0 ? normalizeDomain(after.host)! : after.host
  const moved = after.host !== before.host || port !== before.port
  const speech =
    tls !== before.tls || lmtp !== before.lmtp || bind !== before.bind || bind_helo !== before.bind_helo
  const { bind: _bind, bindHelo: _bindHelo, ...others } = exchange.terms
  const binding = bind === undefined ? undefined : parseBind(bind)
  return {
    ...exchange,
    priority,
    // What is not changed stays the same object.
    ...(moved ? { endpoint: { host, port } } : {}),
    ...(speech
      ? {
          terms: {
            ...others,
            tls,
            lmtp,
            ...(binding === undefined ? {} : { bind: binding }),
            ...(bind_helo === undefined ? {} : { bindHelo: bind_helo }),
          },
        }
      : {}),
  }
}

function ask(
  exchange: Exchange,
  envelope: DetailedEnvelope,
  { runner, log, patienceMs }: DetailsOptions,
): Promise<Exchange | undefined> {
  return new Promise((resolve) => {
    const before = details(exchange)
    const after = { ...before }
    const fail = (error: unknown) => {
      log.logerror(`server_details: ${exchange.endpoint.host} is not changed: a plugin failed:`, error)
      resolve(exchange)
    }
    const timer = setTimeout(() => {
      log.logerror(
        `server_details: ${exchange.endpoint.host} is not changed: no answer within ${patienceMs} ms`,
      )
      resolve(exchange)
    }, patienceMs)
    const respond = (retval: number, message?: unknown) => {
      clearTimeout(timer)
      const denied = retval === RETVAL.deny || retval === RETVAL.denysoft
      try {
        resolve(denied && message !== TIMEOUT ? undefined : applyChanges(exchange, before, after, log))
      } catch (error) {
        // This may be a timer of the plugin's: whatever it has made of the fields, nothing may be thrown into it.
        fail(error)
      }
    }
    try {
      runner.run_hooks(HOOK, new ServerDetails(log, respond), { exchange: after, envelope })
    } catch (error) {
      clearTimeout(timer)
      fail(error)
    }
  })
}

/**
 * Asks the plugins that have registered the hook `server_details` (VPOP3's `ServerDetails` and `CheckServer`) about every
 * exchange: what is left, with their changes. A plugin that fails or is too slow removes no exchange.
 */
export function serverDetails(
  exchanges: readonly Exchange[],
  message: Message,
  options: DetailsOptions,
): readonly Exchange[] | Promise<readonly Exchange[]> {
  const isAsked = (options.runner.registered_hooks[HOOK]?.length ?? 0) > 0
  return isAsked ? askAll(exchanges, message, options) : exchanges
}

async function askAll(
  exchanges: readonly Exchange[],
  message: Message,
  options: DetailsOptions,
): Promise<readonly Exchange[]> {
  const envelope: DetailedEnvelope = {
    sender: message.mailFrom,
    authenticated_sender: message.authSender,
    domain: message.domain,
    size: message.size,
    retries: message.retries,
  }
  const answers = await Promise.all(exchanges.map((exchange) => ask(exchange, envelope, options)))
  return answers.filter((exchange) => exchange !== undefined)
}
