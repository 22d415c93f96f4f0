import { readFileSync } from 'node:fs'

/** Two clocks: one for people, one for measuring. */
export interface Clock {
  /** Milliseconds since the epoch, for what people read. Somebody may set it forward or back. */
  readonly wall: () => number
  /** Milliseconds since this boot, the same in every process of the machine (CLOCK_MONOTONIC). It only goes forward. */
  readonly monotonic: () => number
  /** The id of the boot that `monotonic` belongs to; absent if the system has none. */
  readonly boot?: string
}

/** The clocks of this machine. */
export function systemClock(): Clock {
  const boot = bootId()
  return {
    wall: Date.now,
    // Node measures from the same point in all processes: libuv's uv_hrtime() is the plain CLOCK_MONOTONIC.
    monotonic: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
    ...(boot === undefined ? {} : { boot }),
  }
}

function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    // Not Linux.
    return undefined
  }
}
