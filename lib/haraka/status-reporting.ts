import cluster from 'node:cluster'
import type { SharedHits } from '../redis/shared-hits'
import type { RedisSharing } from '../redis/sharing'
import { Collector } from '../status/collector'
import { FactsFile } from '../status/facts-file'
import type { ActiveRules, WorkerReport } from '../status/facts'
import { Recorder, type WorkerView } from '../status/recorder'
import { collectReports, sendReport } from '../status/report-channel'
import { Reporter } from '../status/reporter'
import type { ActiveConfiguration } from './active-configuration'
import type { ConfigurationReading } from './configuration-file'
import { HarakaModules } from './haraka-modules'
import { createWarn } from './log-entry'
import type { ProcessRole } from './process'
import type { HarakaPlugin } from '../haraka-objects/plugin'

export interface StatusReportingOptions {
  readonly plugin: HarakaPlugin
  readonly role: ProcessRole
  readonly active: ActiveConfiguration
}

/** How soon it is shown that Redis is gone or back. Milliseconds. */
const LOOK_AT_REDIS_MS = 1_000

/** What this process counts, and how it is reported to the rest of the server. */
export class StatusReporting {
  readonly recorder = new Recorder({ pid: process.pid, now: Date.now })
  readonly #options: StatusReportingOptions
  readonly #haraka: HarakaModules
  #file: FactsFile | undefined
  #shared: SharedHits | undefined
  #reporter: Reporter | undefined
  #stopCollecting: () => void = () => {}
  #redisTimer: NodeJS.Timeout | undefined
  #inForce: ActiveRules | undefined

  constructor(options: StatusReportingOptions) {
    this.#options = options
    this.#haraka = new HarakaModules(options.plugin)
  }

  /**
   * Begins to report.
   *
   * @param folder the state folder; undefined: nobody can see what is reported
   * @param redis where hits are shared; undefined: they are not
   */
  start(folder: string | undefined, redis: RedisSharing | undefined): void {
    const { role, plugin } = this.#options
    if (role.kind === 'tool') return
    if (cluster.isWorker) {
      this.#open((report) => sendReport(process, report))
      return
    }
    const collector = new Collector({
      pid: process.pid,
      now: Date.now,
      isRedisUp: () => redis?.isUp,
      sharing: () => this.#shared?.sharing,
    })
    const warn = createWarn(plugin)
    this.#shared = redis?.shareHits({
      workers: () => collector.workers,
      onChange: () => this.#file?.noteChange({ hits: true }),
    })
    const shared = this.#shared
    this.#file =
      folder === undefined
        ? undefined
        : new FactsFile({
            folder,
            collector,
            warn,
            ...(shared === undefined ? {} : { sharedHits: () => shared.totals(collector.hits) }),
          })
    const noteChange = (report?: WorkerReport) => {
      if (report !== undefined) shared?.add(report.hits)
      this.#file?.noteChange({ hits: Object.keys(report?.hits ?? {}).length > 0 })
    }
    if (redis !== undefined) this.#watchRedis(redis, noteChange)
    if (role.kind === 'master') this.#stopCollecting = collectReports(cluster, collector, noteChange)
    else {
      this.#open((report) => {
        collector.add(report)
        noteChange(report)
      })
    }
  }

  /** Whether Redis answers changes while no worker has anything to report. */
  #watchRedis(redis: RedisSharing, noteChange: () => void): void {
    let wasReady = redis.isUp
    this.#redisTimer = setInterval(() => {
      if (redis.isUp === wasReady) return
      wasReady = redis.isUp
      noteChange()
    }, LOOK_AT_REDIS_MS).unref()
  }

  #open(send: (report: WorkerReport) => void): void {
    this.#reporter = new Reporter({ recorder: this.recorder, view: () => this.#view(), send })
  }

  /** The file was read, and is in force or refused. */
  noteReading({ good, reason, digest, configuration }: ConfigurationReading): void {
    if (configuration !== undefined) {
      this.#inForce = {
        since: Date.now(),
        digest,
        lines: configuration.rules.lines.length,
        relays: configuration.rules.relays.length,
      }
    }
    this.recorder.recordReading({ good, reason })
  }

  /** Reports what was counted, at once. */
  report(): void {
    this.#reporter?.report()
  }

  close(): void {
    clearInterval(this.#redisTimer)
    this.#reporter?.close()
    this.#stopCollecting()
    this.#shared?.close()
    this.#file?.close()
  }

  #view(): WorkerView {
    const { active } = this.#options
    return {
      ...(active.resolver === undefined ? {} : { resolver: active.resolver }),
      ...(this.#inForce === undefined ? {} : { inForce: this.#inForce }),
      queue: { threads: this.#haraka.outbound.concurrency_max, ...this.#haraka.countQueued() },
    }
  }
}
