import type { CommandSpec, OperandSpec, OptionSpec, ValueSpec } from '../command-spec'
import { PROGRAM } from '../help'

/** What the first line of each script says that it is. */
export const subjectName = `Completion of ${PROGRAM}`

/** One option as a shell completes it. */
interface CompletedOption {
  /** With hyphens: `--help`, and `-h` if there is one. */
  readonly title: readonly string[]
  readonly summary: string
  readonly value?: ValueSpec
}

/** One command as a shell completes it. */
export interface Completion {
  readonly name: string
  readonly summary: string
  readonly options: readonly CompletedOption[]
  readonly operands: readonly OperandSpec[]
}

const toCompleted = ({ name, short, summary, value }: OptionSpec): CompletedOption => ({
  title: [`--${name}`, ...(short === undefined ? [] : [`-${short}`])],
  summary,
  ...(value === undefined ? {} : { value }),
})

/** Every command of the table, and `help`. */
export function completionsOf(
  table: readonly CommandSpec[],
  common: readonly OptionSpec[],
): readonly Completion[] {
  const commands = table.map(({ name, summary, options, operands }) => ({
    name,
    summary,
    options: [...options, ...common].map(toCompleted),
    operands,
  }))
  const names = table.map(({ name }) => name)
  const help: Completion = {
    name: 'help',
    summary: 'show help, also of one command',
    options: [toCompleted({ name: 'man', summary: 'print the manual page' })],
    operands: [{ name: 'COMMAND', kind: 'word', words: names, optional: true }],
  }
  return [...commands, help]
}

/** A word as bash and zsh read it back, whatever is in it. */
export function shellQuote(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
