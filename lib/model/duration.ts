/** Milliseconds of a minute. */
export const MINUTE_MS = 60_000
/** Milliseconds of an hour. */
export const HOUR_MS = 3_600_000
/** Milliseconds of a day. */
export const DAY_MS = 86_400_000

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS }

/** Milliseconds of a time such as `500ms`, `5s`, `10m`, `1h`, `1d` (a plain number is seconds); undefined for all else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/i.exec(text)
  return match === null ? undefined : Math.round(Number(match[1]) * UNITS[match[2]?.toLowerCase() ?? 's']!)
}

/** A time in the largest unit that gives a whole number: `90s`, `2m`, `1d`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0'
  const unit = ['d', 'h', 'm', 's'].find((name) => milliseconds % (UNITS[name] ?? 1) === 0) ?? 'ms'
  return `${milliseconds / UNITS[unit]!}${unit}`
}
