import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { readConfigurationSource } from '../../lib/files/configuration-source'
import { prepareStateFolder, STATE_FOLDER } from '../../lib/relays/state-folder'
import { Collector } from '../../lib/status/collector'
import type { WorkerFacts } from '../../lib/status/facts'
import { FactsFile } from '../../lib/status/facts-file'
import { Recorder } from '../../lib/status/recorder'
import { IDLE_VIEW } from './decided'

/** The file of rules in a Haraka folder. */
export const INI = 'config/dns_overrides.ini'

/** Takes all rights away. */
export const lock =
  (...paths: readonly string[]) =>
  (_: TestContext, folder: string) => {
    for (const path of paths) chmodSync(join(folder, path), 0)
  }

/** Writes what a running server reports: one worker, with this file in force unless the test says otherwise. */
export function report(folder: string, worker: Partial<WorkerFacts> = {}, isRedisUp?: boolean): void {
  const path = join(folder, STATE_FOLDER)
  prepareStateFolder(path)
  const collector = new Collector({ pid: process.pid, now: Date.now, isRedisUp: () => isRedisUp })
  const taken = new Recorder({ pid: process.pid, now: Date.now }).take(IDLE_VIEW)
  const { digest } = readConfigurationSource(join(folder, INI))
  const inForce = { since: Date.now(), digest, lines: 1, relays: 0 }
  collector.add({ ...taken, worker: { ...taken.worker, inForce, ...worker } })
  const warn = (message: string) => {
    throw new Error(message)
  }
  new FactsFile({ folder: path, collector, warn }).close()
}

/** In force, but not what the file says. */
export const OLDER = { since: 0, digest: 'of an older file', lines: 1, relays: 0 }

/** A client certificate that ends in a week. */
export function makeShortCertificate(_: TestContext, folder: string): void {
  const make = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7 -subj /CN=mail'
  execFileSync('openssl', [...make.split(' '), '-keyout', 'client.key', '-out', 'client.pem'], {
    cwd: join(folder, 'config'),
    stdio: 'ignore',
  })
}
