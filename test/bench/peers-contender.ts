import type { Command } from './command-cost'
import type { Table, TableKind } from './peers-table'

/** A program that answers from a table. */
export interface Contender {
  readonly name: string
  readonly kind: TableKind
  /** How many keys it gets at most, for a table of so many lines: the slow ones get fewer. */
  mostKeys(lines: number): number
  /** Is our decision to be faster, for a table of so many lines? */
  mustBeSlower(lines: number): boolean
  /** Writes the table into the folder, in its own form. */
  prepare(table: Table, folder: string): Command
  /** The input that asks for a domain. */
  ask(domain: string, folder: string): string
  /** The server of each domain that has one. */
  read(output: string, domains: readonly string[]): ReadonlyMap<string, string>
}

/** More than twice the lines: each line is asked for, and each second key has none. So many that the start of a program is little. */
export const allKeys = (lines: number) => Math.max(200_000, lines * 2.2)
/** For a program that reads its table from the beginning for each key. */
export const keysOfLinear = (lines: number) => Math.max(60, Math.min(50_000, 4_000_000 / lines))

/** Lines `domain`, tab, `server`. */
export function readPairs(output: string): ReadonlyMap<string, string> {
  const lines = output.split('\n').filter((line) => line !== '')
  return new Map(lines.map((line) => line.split('\t') as [string, string]))
}
