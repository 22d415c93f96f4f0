import { EXIT } from '../commands/shared/exit-status'
import type { Terminal } from '../commands/shared/terminal'
import { DnsOverridesError, UsageError } from '../model/errors'
import { toPrintable } from '../model/printable'
import type { CommandSpec } from './command-spec'
import { commandHelp, generalHelp, PROGRAM } from './help'
import { COMMON_OPTIONS } from './options'
import { COMMANDS } from './table'

/** Loaded when a command is named: to load a file takes Node up to a millisecond, and the general help does not need this one. */
const loadArguments = () => require('./arguments') as typeof import('./arguments')

/** As {@link loadArguments}. */
const loadVersion = () =>
  (require('../files/package-version') as typeof import('../files/package-version')).packageVersion()

function printHelp(words: readonly string[], { out, columns }: Terminal): void {
  const [name, ...rest] = words
  if (rest.length > 0) throw new UsageError(`help: unexpected argument "${rest[0]}"`)
  if (name === '--man') {
    const { manualPage } = require('./man') as typeof import('./man')
    out(manualPage(COMMANDS, COMMON_OPTIONS, loadVersion()))
  } else if (name === undefined || name === '--help' || name === '-h') {
    out(generalHelp(COMMANDS, columns))
  } else {
    out(commandHelp(loadArguments().findCommand(name, COMMANDS), COMMON_OPTIONS, columns))
  }
}

async function runCommand(
  command: CommandSpec,
  words: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const args = loadArguments().parseArguments(words, command, COMMON_OPTIONS)
  if (args.flag('help')) {
    terminal.out(commandHelp(command, COMMON_OPTIONS, terminal.columns))
    return EXIT.ok
  }
  return command.load()(args, terminal)
}

async function dispatch(words: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = words
  switch (name) {
    case undefined:
      throw new UsageError(
        `no command; the commands are ${COMMANDS.map((command) => command.name).join(', ')}`,
      )
    case '--version':
    case '-V':
      terminal.out(`${loadVersion()}\n`)
      return EXIT.ok
    case 'help':
    case '--help':
    case '-h':
      printHelp(rest, terminal)
      return EXIT.ok
    default:
      return runCommand(loadArguments().findCommand(name, COMMANDS), rest, terminal)
  }
}

/** The command line that shows the help that is needed: that of the command, if it exists. */
function helpFor([name]: readonly string[]): string {
  const isCommand = COMMANDS.some((command) => command.name === name)
  return `${PROGRAM} help${isCommand ? ` ${name}` : ''}`
}

/** The exit status of an error, and the message that is printed. */
function describeError(error: unknown, words: readonly string[]): { status: number; message: string } {
  if (error instanceof UsageError) {
    return { status: EXIT.usage, message: `${error.message} (see ${helpFor(words)})` }
  }
  if (error instanceof DnsOverridesError) {
    const status = error.code === 'ECONFIG' ? EXIT.config : error.temporary ? EXIT.tempFail : EXIT.fault
    return { status, message: error.message }
  }
  const { syscall, message, stack } = error as NodeJS.ErrnoException
  // A refusal of the system (no descriptor left, a disk that fails) is not a mistake in this program.
  if (syscall !== undefined) return { status: EXIT.fault, message }
  return { status: EXIT.fault, message: `internal error: ${stack ?? String(error)}` }
}

/**
 * Runs one command line.
 *
 * @param words the words after the program's name
 * @returns the exit status. Never rejects: wrong usage is one line on stderr and status 64, any other error one line and its
 * status; only a mistake in this program prints a stack.
 */
export async function main(words: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(words, terminal)
  } catch (error) {
    const { status, message } = describeError(error, words)
    // An error may quote a queue file, a reply or an argument that a stranger wrote.
    const lines = message.split('\n').map((line) => toPrintable(line, { line: true }))
    terminal.err(`${PROGRAM}: ${lines.join('\n')}\n`)
    return status
  }
}
