import type { Clock } from '../relays/clock'
import type { Rotation } from '../relays/rotation'
import { RedisAnswerStore } from './answer-store'
import { createClient, mergeSettings, type RedisSettings } from './client'
import { openConnection, type RedisConnection } from './connection'
import { createIdentity, readIdentity, renewIdentity } from './host-identity'
import { NO_MEMORY, openHostMemory } from './host-memory'
import { SharedBreakers } from './shared-breakers'
import { SharedHits, type SharedHitsOptions } from './shared-hits'
import { SharedHolds } from './shared-holds'
import { SharedLimits } from './shared-limits'
import { SharedRotation } from './shared-rotation'

export interface RedisSharingOptions {
  readonly settings: RedisSettings
  readonly clock: Clock
  /** Called once when Redis is gone, with why, and once when it is back. */
  readonly onGone: (why: string) => void
  readonly onBack: () => void
}

/**
 * All that a process shares through Redis, over one connection, which is opened in the background. Other rooms load only this file of the
 * room, and only with `[redis]`.
 */
export class RedisSharing {
  /** Answers of DNS. */
  readonly answers: RedisAnswerStore
  readonly #clock: Clock
  readonly #connection: RedisConnection

  constructor({ settings, clock, onGone, onBack }: RedisSharingOptions) {
    this.#clock = clock
    this.#connection = openConnection({
      createClient: () => createClient(mergeSettings(settings)),
      onGone,
      onBack,
    })
    this.answers = new RedisAnswerStore({ connection: this.#connection, monotonic: clock.monotonic })
  }

  /** Does Redis answer? */
  get isUp(): boolean {
    return this.#connection.isReady
  }

  /**
   * Limits. To be called by the one process of a server that counts.
   *
   * @param folder the state folder; undefined if the server is a new one after each restart
   */
  shareLimits(folder: string | undefined): SharedLimits {
    return new SharedLimits({
      connection: this.#connection,
      identity: readIdentity(folder),
      renew: () => renewIdentity(folder),
      memory: folder === undefined ? NO_MEMORY : openHostMemory({ folder, clock: this.#clock }),
      monotonic: this.#clock.monotonic,
    })
  }

  /** Holds by hand. To be called by one process of a server. @param folder the state folder */
  shareHolds(folder: string): SharedHolds {
    const { wall: now, monotonic } = this.#clock
    return new SharedHolds({ connection: this.#connection, folder, now, monotonic })
  }

  /** Breakers. To be called by each process that sends mail. */
  shareBreakers(): SharedBreakers {
    const { instance: process } = createIdentity()
    return new SharedBreakers({
      connection: this.#connection,
      process,
      monotonic: this.#clock.monotonic,
    })
  }

  /** The rotation. To be called by each process that sends mail. @param local where Redis cannot be asked */
  shareRotation(local: Rotation): SharedRotation {
    return new SharedRotation({ connection: this.#connection, local })
  }

  /** Hits of lines. To be called by one process of a server. */
  shareHits(options: Pick<SharedHitsOptions, 'workers' | 'onChange'>): SharedHits {
    return new SharedHits({
      ...options,
      connection: this.#connection,
      identity: createIdentity(),
      now: this.#clock.wall,
    })
  }
}
