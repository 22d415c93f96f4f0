/** Multipliers of the suffixes of a size. */
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** A number of bytes, with `K`, `M` or `G` for 1024 and its powers; undefined if it is anything else or not exact. */
export function parseSize(text: string): number | undefined {
  const [, digits, suffix = ''] = /^(\d+)([kmg]?)$/i.exec(text) ?? []
  const size = Number(digits) * (UNITS[suffix.toLowerCase()] ?? Number.NaN)
  return Number.isSafeInteger(size) ? size : undefined
}
