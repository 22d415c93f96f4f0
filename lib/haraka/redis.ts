import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Settings } from '../config/types'
import { readIniSections } from '../haraka-files/ini-sections'
import { Secret } from '../model/secret'
import type { RedisSharing } from '../redis/sharing'
import { systemClock } from '../relays/clock'
import { entriesOf } from './configuration-log'
import type { ProcessRole } from './process'
import { RedisLog } from './redis-log'
import type { ServerFinding } from './server-log'
import type { HarakaPlugin } from '../haraka-objects/plugin'

type RedisSection = NonNullable<Settings['redis']>

/**
 * Redis, as this process uses it: a connection of our own, because the one in `server.notes.redis` belongs to other plugins. It is
 * opened once and in the background. Without `[redis]` there is no connection, and nothing of Redis is loaded.
 */
export class RedisUse {
  /** What is shared with other processes; undefined: nothing. */
  readonly sharing: RedisSharing | undefined
  readonly #section: RedisSection | undefined
  readonly #report: (finding: ServerFinding) => void

  /** @param section `[redis]`, as it is at the start */
  constructor(
    section: RedisSection | undefined,
    { kind }: ProcessRole,
    plugin: HarakaPlugin,
    report: (finding: ServerFinding) => void,
  ) {
    this.#section = section
    this.#report = report
    if (section === undefined || kind === 'tool') return
    const log = new RedisLog(plugin, kind === 'master')
    // Not an import, which would load it without [redis] too.
    const room = require('../redis/sharing') as typeof import('../redis/sharing')
    this.sharing = new room.RedisSharing({
      settings: { section, redisIni: readRedisIni() },
      clock: systemClock(),
      onGone: (why) => log.note(why),
      onBack: () => log.note(undefined),
    })
  }

  /** What is shared would have to move from one Redis to the other: a change has to wait for a restart. */
  compare(section: RedisSection | undefined): void {
    if (isDeepStrictEqual(revealAll(section), revealAll(this.#section))) return
    const text = '[redis] has changed: it is used from the next start of Haraka on'
    this.#report({ key: 'redis changed', entries: entriesOf('warn', text) })
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
