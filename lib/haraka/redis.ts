import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Settings } from '../config/types'
import { readIniSections } from '../haraka-files/ini-sections'
import { Secret } from '../model/secret'
import { createClient, mergeSettings } from '../redis/client'
import { openConnection, type RedisConnection } from '../redis/connection'
import { entriesOf } from './configuration-log'
import type { LogEntry } from './log-entry'
import type { ProcessRole } from './process'
import type { ServerFinding } from './server-log'

type RedisSection = NonNullable<Settings['redis']>

/**
 * Redis, as this process uses it: a connection of our own, because the one in `server.notes.redis` belongs to other plugins. It is
 * opened once and in the background. Without `[redis]` nothing is loaded.
 */
export class RedisUse {
  readonly connection: RedisConnection | undefined
  readonly #section: RedisSection | undefined
  readonly #report: (finding: ServerFinding) => void

  /** @param section `[redis]`, as it is at the start */
  constructor(
    section: RedisSection | undefined,
    { kind }: ProcessRole,
    report: (finding: ServerFinding) => void,
  ) {
    this.#section = section
    this.#report = report
    // Workers ask the master process for places, and share nothing else.
    if (section === undefined || kind === 'tool' || cluster.isWorker) return
    this.connection = openConnection({
      createClient: () => createClient(mergeSettings({ section, redisIni: readRedisIni() })),
      onGone: (why) =>
        this.#say('redis gone', 'warn', `Redis is gone (${why}): each server goes on by itself`),
      onBack: () => this.#say('redis back', 'notice', 'Redis is back: state is shared again'),
    })
  }

  /** What is shared would have to move from one Redis to the other: a change has to wait for a restart. */
  compare(section: RedisSection | undefined): void {
    if (isDeepStrictEqual(revealAll(section), revealAll(this.#section))) return
    this.#say('redis changed', 'warn', '[redis] has changed: it is used from the next start of Haraka on')
  }

  #say(key: string, level: LogEntry['level'], text: string): void {
    this.#report({ key, entries: entriesOf(level, text) })
  }
}

/** What Haraka's folder has for all plugins that use Redis. */
function readRedisIni(): Record<string, Record<string, string>> {
  try {
    const text = readFileSync(join(process.env.HARAKA ?? '.', 'config', 'redis.ini'), 'utf8')
    const sections = readIniSections(text)
    return Object.fromEntries([...sections].map(([name, settings]) => [name, Object.fromEntries(settings)]))
  } catch {
    return {}
  }
}

const revealAll = (section: RedisSection | undefined) =>
  section &&
  Object.entries(section).map(([key, value]) => [key, value instanceof Secret ? value.reveal() : value])
