import { createResolver } from '../dns/resolver'
import { answer, deadlineOf, type HookAnswer, LateError } from './boundary'
import { SendingThreads } from './sending-threads'
import { ConfigurationError, ConfigurationFile } from './configuration-file'
import { keepAuthSender, keepRotationOffset } from './envelope'
import { Live } from './active-configuration'
import { type ProcessRole, processRole } from './process'
import { Router } from './get-mx'
import { type OpenRelayState, openRelayState } from './relay-state'
import {
  type HarakaConnection,
  type HarakaPlugin,
  type HMailItem,
  type Next,
  type OutboundConfig,
  RETVAL,
} from './types'

/** The hooks of the plugin, and what they share. One in each process of the server. */
export class Seam {
  readonly #plugin: HarakaPlugin
  readonly #deadline: number
  readonly #relays: OpenRelayState
  readonly #live: Live
  readonly #file: ConfigurationFile
  readonly #threads: SendingThreads
  readonly #router: Router

  /**
   * Reads the configuration and puts it in force.
   *
   * @throws ConfigurationError where it has errors; Haraka stops. Only a worker that replaces another in a running server goes on:
   *   it would be started again and again; its mail waits until the file is mended.
   */
  constructor(plugin: HarakaPlugin) {
    const role = processRole(plugin)
    this.#plugin = plugin
    this.#deadline = deadlineOf(plugin.timeout)
    this.#threads = new SendingThreads(
      plugin.haraka_require('outbound/config') as OutboundConfig,
      role.workers,
    )
    this.#live = new Live(({ settings: { dnsServers, dnsZones, dnsCacheSize, dns } }) =>
      createResolver({
        servers: dnsServers,
        zones: dnsZones,
        cacheSize: dnsCacheSize,
        tuning: dns,
        log: (level, message) => plugin[`log${level}`](message),
      }),
    )
    this.#file = new ConfigurationFile(plugin, (configuration) => {
      this.#live.set(configuration)
      this.#threads.apply(configuration.settings.mxSendingThreads)
    })
    this.#open(role)
    this.#relays = openRelayState(plugin, role)
    this.#router = new Router({
      plugin,
      live: this.#live,
      relays: this.#relays.relays,
      deadline: this.#deadline,
    })
  }

  #open({ kind, replaceable }: ProcessRole): void {
    try {
      const configuration = this.#file.open(kind === 'sender')
      if (kind !== 'sender') return
      this.#live.set(configuration)
      this.#threads.apply(configuration.settings.mxSendingThreads)
    } catch (error) {
      if (!replaceable || !(error instanceof ConfigurationError)) throw error
      for (const line of error.message.split('\n')) if (line !== '') this.#plugin.logerror(line)
      this.#plugin.logcrit('no mail is sent by this worker until the file is mended')
    }
  }

  /** Hook `mail`. */
  keepAuthSender(next: Next, connection: HarakaConnection): void {
    keepAuthSender(connection)
    next()
  }

  /** Hook `pre_send_trans_email`. */
  keepRotationOffset(next: Next, connection: HarakaConnection): void {
    const work = async () => {
      const offset = await this.#relays.relays.nextRotationOffset()
      return { retval: RETVAL.cont, commit: () => keepRotationOffset(connection, offset) }
    }
    // Without one the message begins with the first relay: mail need not wait for it.
    answer(next, work, {
      deadline: this.#deadline,
      failure: () => ({ retval: RETVAL.cont }),
      onError: (error) => this.#plugin.logerror('no rotation offset for a message: ', shown(error)),
    })
  }

  /** Hook `get_mx`, in the plugin's own place. */
  route(next: Next, hmail: HMailItem): void {
    this.#answer(next, hmail, () => this.#router.route(hmail))
  }

  /** Hook `get_mx`, after all other plugins. */
  routeByDns(next: Next, hmail: HMailItem): void {
    this.#answer(next, hmail, () => this.#router.routeByDns(hmail))
  }

  #answer(next: Next, hmail: HMailItem, work: () => Promise<HookAnswer>): void {
    answer(next, work, {
      deadline: this.#deadline,
      // Never CONT: Haraka would go on with its own DNS, and past the rules.
      failure: (error) => ({ retval: RETVAL.denysoft, message: error.message }),
      onError: (error) =>
        hmail.logerror(this.#plugin, `no decision for ${hmail.todo.domain}: `, shown(error)),
    })
  }

  /**
   * Reads the file no more, and writes what is known of relays. Rules, resolver and number of threads stay: Haraka still ends the
   * deliveries that it has begun, and none of them keeps the process.
   */
  close(): void {
    this.#file.close()
    this.#relays.close()
  }
}

/** For the log: Haraka prints the stack of an error, which is wanted where something is broken. */
function shown(error: Error): Error | string {
  return error instanceof LateError ? error.message : error
}
