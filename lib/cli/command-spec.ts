import type { Arguments } from '../commands/shared/parsed-arguments'
import type { EXIT } from '../commands/shared/exit-status'
import type { Terminal } from '../commands/shared/terminal'

/** The kind of a value, for a shell that completes it. `section`: the name of a relay or of `[direct:NAME]`. */
export type ValueKind = 'file' | 'folder' | 'path' | 'relay' | 'section' | 'text' | 'word'

/** A value or an operand: its name in the help (`FILE`), and its kind. */
export interface ValueSpec {
  readonly name: string
  readonly kind: ValueKind
  /** For the kind `word`: all words that it may be. */
  readonly words?: readonly string[]
}

/** One option of a command. */
export interface OptionSpec {
  /** Without the two hyphens. */
  readonly name: string
  /** One letter, without the hyphen. */
  readonly short?: string
  /** Absent: the option is a flag. */
  readonly value?: ValueSpec
  /** It may be given several times. */
  readonly repeats?: boolean
  /** A phrase for the help. */
  readonly summary: string
}

/** One word that follows the command and is not an option. */
export interface OperandSpec extends ValueSpec {
  readonly optional?: boolean
  /** Any number of such words may follow. */
  readonly repeats?: boolean
}

/** One command line, and its purpose. */
export interface ExampleSpec {
  /** The words after the program's name. */
  readonly args: string
  readonly purpose: string
}

/** One command: its name and arguments, its help, and its code. */
export interface CommandSpec {
  readonly name: string
  /** A phrase that begins with a verb: it completes "this command can ...". */
  readonly summary: string
  readonly operands: readonly OperandSpec[]
  readonly options: readonly OptionSpec[]
  /** Paragraphs of the help. */
  readonly details: readonly string[]
  readonly examples: readonly ExampleSpec[]
  /** Its exit statuses, besides those of success and wrong usage. */
  readonly exits: readonly (keyof typeof EXIT)[]
  /** Loads the command's code, only when the command runs, so that the program starts fast. */
  readonly load: () => (args: Arguments, terminal: Terminal) => Promise<number> | number
}
