/** The tables that our rules, Postfix and Exim are given, and the keys that they are asked for. */

/** `exact`: domains alone. `wildcards`: every second line is for all names below its domain. */
export type TableKind = 'exact' | 'wildcards'

export interface Line {
  /** The domain, without the `*.` of a wildcard. */
  readonly domain: string
  readonly isWildcard: boolean
  /** Where its mail goes: an address, so that nothing is looked up. */
  readonly server: string
}

export interface Table {
  readonly kind: TableKind
  readonly lines: readonly Line[]
}

/** A number that shares no factor with the size of a table: every line is asked for, and not in the order of the file. */
const STRIDE = 7_919

/** An address of 198.18.0.0/15, which is for benchmarks (RFC 2544), for each of 65,536 lines; then from the first again. */
const serverOf = (n: number) => `198.18.${(n >> 8) & 255}.${n & 255}`

export function makeTable(kind: TableKind, size: number): Table {
  const lines = Array.from({ length: size }, (_, n) => ({
    domain: `c${n}.example`,
    isWildcard: kind === 'wildcards' && n % 2 === 1,
    server: serverOf(n),
  }))
  return { kind, lines }
}

/** So many domains to ask for, every second one without a line. */
export function makeKeys({ lines }: Table, count: number): readonly string[] {
  return Array.from({ length: count }, (_, k) => {
    const { domain, isWildcard } = lines[((k >> 1) * STRIDE) % lines.length]!
    if (k % 2 === 1) return isWildcard ? domain : `u${k}.example`
    return isWildcard ? `mail${k % 7}.${domain}` : domain
  })
}
