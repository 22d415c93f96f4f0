import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DnsOverridesError, UsageError } from '../model/errors'
import { findCommand, parseArguments } from './arguments'
import { commandHelp, generalHelp, PROGRAM } from './help'
import { COMMANDS, COMMON_OPTIONS } from './table'
import { EXIT, type CommandSpec, type Terminal } from '../commands/shared/types'

function version(): string {
  const manifest = readFileSync(join(__dirname, '..', '..', '..', 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

function help(words: readonly string[], terminal: Terminal): number {
  const [name, ...rest] = words
  if (rest.length > 0) throw new UsageError(`help: "${rest[0]}" is one word too many`)
  if (name === '--man') {
    const { manualPage } = require('./man') as typeof import('./man')
    terminal.out(manualPage(COMMANDS, COMMON_OPTIONS, version()))
  } else if (name === undefined || name === '--help' || name === '-h') {
    terminal.out(generalHelp(COMMANDS))
  } else {
    terminal.out(commandHelp(findCommand(name, COMMANDS), COMMON_OPTIONS))
  }
  return EXIT.ok
}

async function dispatch(words: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = words
  switch (name) {
    case undefined:
      throw new UsageError(`which command? ${COMMANDS.map((command) => command.name).join(', ')}`)
    case '--version':
    case '-V':
      terminal.out(`${version()}\n`)
      return EXIT.ok
    case 'help':
    case '--help':
    case '-h':
      return help(rest, terminal)
    default:
      return runCommand(findCommand(name, COMMANDS), rest, terminal)
  }
}

async function runCommand(
  command: CommandSpec,
  words: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const args = parseArguments(words, command, COMMON_OPTIONS)
  if (args.flag('help')) {
    terminal.out(commandHelp(command, COMMON_OPTIONS))
    return EXIT.ok
  }
  return command.load()(args, terminal)
}

/** Which help is about what was meant: that of the command, if there is one of that name. */
function topic([name]: readonly string[]): string {
  return COMMANDS.some((command) => command.name === name) ? ` ${name}` : ''
}

/**
 * Runs one command line (the words after the program's name) and gives the exit status. Never rejects: wrong use is one line
 * on stderr and status 64, any other error one line and its status.
 */
export async function main(words: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(words, terminal)
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.err(`${PROGRAM}: ${error.message} (${PROGRAM} help${topic(words)} says more)\n`)
      return EXIT.usage
    }
    if (error instanceof DnsOverridesError) {
      terminal.err(`${PROGRAM}: ${error.message}\n`)
      return error.code === 'ECONFIG' ? EXIT.config : error.temporary ? EXIT.tempFail : EXIT.fault
    }
    terminal.err(`${PROGRAM}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return EXIT.fault
  }
}
