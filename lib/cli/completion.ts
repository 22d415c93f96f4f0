import type { Arguments } from '../commands/shared/parsed-arguments'
import { requireConfiguration } from '../commands/shared/require-configuration'
import { EXIT } from '../commands/shared/exit-status'
import { findConfiguration } from '../commands/shared/location'
import type { Terminal } from '../commands/shared/terminal'
import { UsageError } from '../model/errors'
import type { CommandSpec, OptionSpec } from './command-spec'
import { bashScript } from './completion/bash'
import { fishScript } from './completion/fish'
import { completionsOf, type Completion } from './completion/subject'
import { zshScript } from './completion/zsh'

const SCRIPTS: Readonly<Record<string, (commands: readonly Completion[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

/** The shells that have a script. */
const SHELLS: readonly string[] = Object.keys(SCRIPTS)

/** The words that `completion` completes. */
export interface CompletedTable {
  readonly commands: readonly CommandSpec[]
  /** Options of every command. */
  readonly common: readonly OptionSpec[]
}

/**
 * `dns-overrides completion SHELL`: prints the script that completes the words of this program in a shell. With `--names` it prints
 * the names of sections, one on each line: the scripts use it.
 */
export function runCompletion(
  args: Arguments,
  terminal: Terminal,
  { commands, common }: CompletedTable,
): number {
  const kind = args.value('names')
  if (kind !== undefined) {
    if (kind !== 'relay' && kind !== 'section')
      throw new UsageError('completion: --names is relay or section')
    const { settings } = requireConfiguration(findConfiguration(args.value('config'), terminal), terminal)
    const terms = kind === 'section' ? settings.directTerms : []
    for (const { name } of [...settings.relays, ...terms]) terminal.out(`${name}\n`)
    return EXIT.ok
  }
  const [shell] = args.operands
  if (shell === undefined)
    throw new UsageError(`completion: SHELL is missing; it is one of ${SHELLS.join(', ')}`)
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined
  if (script === undefined) {
    throw new UsageError(`completion: no script for "${shell}"; the shells are ${SHELLS.join(', ')}`)
  }
  terminal.out(script(completionsOf(commands, common)))
  return EXIT.ok
}
