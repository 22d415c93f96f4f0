import { CONFIGURATION_PATH } from '../files/configuration-source'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { createResolver } from '../dns/resolver'
import { createTokenRequest, TOKEN_TIMEOUT_MS } from '../oauth/token-request'
import { TokenStore } from '../oauth/token-store'
import { readHolds } from '../relays/holds'
import { STATE_FOLDER } from '../relays/state-folder'
import type { Configuration } from '../routing/configuration'
import { listExchanges } from '../routing/list-exchanges'
import { localAddresses } from '../routing/own-server'
import { StatusResponder } from '../status/responder'
import { answerHook, deadlineOf, type HookAnswer, LateError } from './boundary'
import { SendingThreads } from './sending-threads'
import { ConfigurationFile, StartError } from './configuration-file'
import { entriesOf } from './configuration-log'
import { keepAuthSender, keepRotationOffset } from './envelope'
import { ActiveConfiguration } from './active-configuration'
import { type ProcessRole, processRole } from './process'
import { GetMx } from './get-mx'
import { HarakaModules } from './haraka-modules'
import { createWarn, writeEntry } from './log-entry'
import { MessageLog } from './log-line'
import { RedisUse } from './redis'
import { type OpenRelayState, openRelayState } from './relay-state'
import { type ServerFinding, ServerLog } from './server-log'
import { recoverInterruptedDivisions } from './division/recovery'
import { type HarakaHttpServer, lacksExpress, mountStatus } from './status-http'
import { makeStatusSource } from './status-source'
import { StatusReporting } from './status-reporting'
import { type HarakaConnection, type HarakaPlugin, type Next, RETVAL } from '../haraka-objects/plugin'
import type { HMailItem, OutboundConfig } from '../haraka-objects/outbound'

/** The hooks of the plugin, and what they share. One in each process of the server. */
export class PluginHooks {
  readonly #plugin: HarakaPlugin
  readonly #deadlineMs: number
  readonly #relays: OpenRelayState
  readonly #active: ActiveConfiguration
  readonly #report: (finding: ServerFinding) => void
  readonly #file: ConfigurationFile
  readonly #threads: SendingThreads
  readonly #status: StatusReporting
  readonly #redis: RedisUse
  readonly #tokens: TokenStore
  readonly #getMx: GetMx
  readonly #stopRecovery: () => void
  readonly #listens: ProcessRole['listens']

  /**
   * Reads the configuration and puts it in force.
   *
   * @throws StartError where it has errors or cannot be read; Haraka stops. Only a worker that replaces another in a running
   *   server goes on, because it would be started again and again; its mail waits until the file is corrected.
   */
  constructor(plugin: HarakaPlugin) {
    const role = processRole(plugin)
    this.#plugin = plugin
    this.#listens = role.listens
    this.#deadlineMs = deadlineOf(plugin.timeout)
    this.#threads = new SendingThreads(
      plugin.haraka_require('outbound/config') as OutboundConfig,
      role.workers,
    )
    this.#active = new ActiveConfiguration(({ settings: { dnsServers, dnsZones, dnsCacheSize, dns } }) =>
      createResolver({
        servers: dnsServers,
        zones: dnsZones,
        cacheSize: dnsCacheSize,
        tuning: dns,
        log: (level, text) => writeEntry(plugin, { level, text }),
        ...shareAnswers(this.#redis),
      }),
    )
    this.#status = new StatusReporting({ plugin, role, active: this.#active })
    this.#report = createReport(plugin, role)
    const haraka = process.env.HARAKA ?? '.'
    this.#tokens = new TokenStore({
      request: createTokenRequest({ timeoutMs: TOKEN_TIMEOUT_MS }),
      now: Date.now,
      warn: (message) => this.#report({ key: message, entries: entriesOf('warn', message) }),
    })
    this.#file = new ConfigurationFile({
      path: resolve(haraka, CONFIGURATION_PATH),
      report: this.#report,
      onReading: (reading) => this.#status.noteReading(reading),
      onChange: (configuration) => {
        this.#apply(configuration)
        this.#relays.relays.know(listExchanges(configuration.settings))
        this.#redis.compare(configuration.settings.redis)
        this.#getMx.reroute()
        writeEntry(plugin, { level: 'debug', text: 'this process uses the new configuration' })
      },
      readHolds: () => namesOfHolds(join(haraka, STATE_FOLDER)),
      readOwnServer: () => ({ listens: role.listens, addresses: localAddresses() }),
    })
    const configuration = this.#read(role)
    this.#redis = new RedisUse(configuration?.settings.redis, role, plugin, this.#report)
    this.#relays = openRelayState(plugin, role, this.#redis.sharing)
    if (role.kind === 'sender') {
      if (configuration !== undefined) {
        this.#apply(configuration)
        this.#relays.relays.know(listExchanges(configuration.settings))
      }
      this.#file.watch()
    }
    this.#status.start(this.#relays.folder, this.#redis.sharing)
    this.#stopRecovery = recoverInterruptedDivisions(
      () => new HarakaModules(plugin).queueFolder,
      role,
      plugin,
    )
    // The master starts the workers, so that it is said once.
    if (role.kind !== 'tool' && !role.replaceable && lacksExpress(plugin)) {
      createWarn(plugin)(
        'http.ini has listen, but express is missing: there is no status page. npm install express',
      )
    }
    this.#getMx = new GetMx({
      plugin,
      active: this.#active,
      listens: role.listens,
      relays: this.#relays.relays,
      recorder: this.#status.recorder,
      tokens: this.#tokens,
      deadlineMs: this.#deadlineMs,
    })
  }

  #read({ replaceable }: ProcessRole): Configuration | undefined {
    try {
      return this.#file.read()
    } catch (error) {
      if (!replaceable || !(error instanceof StartError)) throw error
      const consequence = 'no mail is sent by this worker until the file is corrected'
      this.#report({
        key: error.message,
        entries: [...entriesOf('error', error.message), ...entriesOf('crit', consequence)],
      })
      return undefined
    }
  }

  #apply(configuration: Configuration): void {
    // What the resolver has done is counted before another takes its place.
    this.#status.report()
    this.#active.set(configuration)
    this.#tokens.retain(configuration.settings.relays)
    this.#threads.apply(configuration.settings.mxSendingThreads)
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
    answerHook(next, work, {
      deadlineMs: this.#deadlineMs,
      failure: () => ({ retval: RETVAL.cont }),
      onError: (error) =>
        this.#plugin.logerror(
          'a message begins with the first relay, because the rotation could not be asked: ',
          describeForLog(error),
        ),
    })
  }

  /** Hook `init_http`. */
  mountStatus(next: Next, server: HarakaHttpServer): void {
    const source = makeStatusSource({
      folder: this.#relays.folder,
      active: this.#active,
      haraka: new HarakaModules(this.#plugin),
      listens: this.#listens,
    })
    mountStatus(server, new StatusResponder(source), (text) =>
      writeEntry(this.#plugin, { level: 'error', text }),
    )
    next()
  }

  /** Hook `get_mx`, in the plugin's own place. */
  route(next: Next, hmail: HMailItem): void {
    this.#answer(next, hmail, () => this.#getMx.route(hmail))
  }

  /** Hook `get_mx`, after all other plugins. */
  routeByDns(next: Next, hmail: HMailItem): void {
    this.#answer(next, hmail, () => this.#getMx.routeByDns(hmail))
  }

  #answer(next: Next, hmail: HMailItem, work: () => HookAnswer | Promise<HookAnswer>): void {
    answerHook(next, work, {
      deadlineMs: this.#deadlineMs,
      // Never CONT: Haraka would go on with its own DNS, and past the rules.
      failure: (error) => ({ retval: RETVAL.denysoft, message: error.message }),
      onError: (error) =>
        new MessageLog(this.#plugin, hmail).logerror(
          `no decision for ${hmail.todo.domain}: `,
          describeForLog(error),
        ),
    })
  }

  /**
   * Stops watching the file, and writes what is known of relays. Rules, resolver and number of threads stay: Haraka still finishes
   * the deliveries that it has begun, and none of them keeps the process alive.
   */
  close(): void {
    this.#file.close()
    this.#status.close()
    this.#relays.close()
    this.#stopRecovery()
  }
}

/** Relays that are held by hand. What stands in place of the folder, and why it is of no use, is logged when it is opened. */
function namesOfHolds(folder: string): readonly string[] {
  try {
    return [...readHolds(folder, Date.now()).keys()]
  } catch {
    return []
  }
}

/** What a resolver needs to share its answers; nothing without Redis. */
const shareAnswers = ({ sharing }: RedisUse) =>
  sharing === undefined ? {} : { sharing: { store: sharing.answers, machine: hostname() } }

/** For the log: Haraka prints the stack of an error, which helps only where something is broken. */
function describeForLog(error: Error): Error | string {
  return error instanceof LateError ? error.message : error
}

/** How this process logs what concerns the whole server. A tool takes nothing into use, so it has nothing to say. */
function createReport(plugin: HarakaPlugin, { kind }: ProcessRole): (finding: ServerFinding) => void {
  if (kind === 'tool') return () => {}
  const log = new ServerLog(plugin, kind === 'master')
  return (finding) => log.report(finding)
}
