import { parseArgs } from 'node:util'
import type { Arguments } from '../commands/shared/parsed-arguments'
import { UsageError } from '../model/errors'
import { nearest } from '../source/suggest'
import type { CommandSpec, OperandSpec, OptionSpec } from './command-spec'

function suggest(word: string, known: readonly string[], prefix = ''): string {
  const suggestion = nearest(word, known)
  return suggestion === undefined ? '' : `; did you mean ${prefix}${suggestion}?`
}

/**
 * The command of that name.
 *
 * @throws UsageError that suggests the nearest name, or lists all of them
 */
export function findCommand(name: string, table: readonly CommandSpec[]): CommandSpec {
  const command = table.find((each) => each.name === name)
  if (command !== undefined) return command
  const names = table.map((each) => each.name)
  const hint = suggest(name, names) || `; the commands are ${names.join(', ')}`
  throw new UsageError(`unknown command "${name}"${hint}`)
}

function checkOperands(words: readonly string[], operands: readonly OperandSpec[], command: string): void {
  const missing = operands.filter(({ optional }) => optional !== true)[words.length]
  if (missing !== undefined) throw new UsageError(`${command}: ${missing.name} is missing`)
  const anyNumber = operands.some(({ repeats }) => repeats === true)
  const extra = words[operands.length]
  if (!anyNumber && extra !== undefined) throw new UsageError(`${command}: unexpected argument "${extra}"`)
}

/** One option, as it was written. */
interface WrittenOption {
  /** With its hyphens. */
  readonly rawName: string
  readonly value: string | undefined
  /** Written as `--name=value`. */
  readonly inline: boolean
}

function checkOption({ rawName, value, inline }: WrittenOption, spec: OptionSpec, command: string): void {
  if (spec.value === undefined) {
    if (inline) throw new UsageError(`${command}: ${rawName} takes no value`)
    return
  }
  if (value === undefined) throw new UsageError(`${command}: ${rawName} needs a value (${spec.value.name})`)
  if (!inline && value.length > 1 && value.startsWith('-')) {
    throw new UsageError(
      `${command}: ${rawName} needs a value (${spec.value.name}); one that begins with "-" is written ${rawName}=${value}`,
    )
  }
}

/** The options in the form of `node:util`. */
function toParserOptions(specs: readonly OptionSpec[]) {
  return Object.fromEntries(
    specs.map(({ name, short, value }) => [
      name,
      {
        type: value === undefined ? ('boolean' as const) : ('string' as const),
        ...(short === undefined ? {} : { short }),
      },
    ]),
  )
}

/**
 * Parses the words after a command's name.
 *
 * @param common options of every command
 * @throws UsageError with one line that says what is wrong
 */
export function parseArguments(
  words: readonly string[],
  command: CommandSpec,
  common: readonly OptionSpec[],
): Arguments {
  const specs = [...command.options, ...common]
  const { tokens, positionals } = parseArgs({
    args: [...words],
    options: toParserOptions(specs),
    // Our own messages are clearer than those of strict mode, which differ between versions of Node.
    strict: false,
    tokens: true,
  })
  const values = new Map<string, readonly (string | true)[]>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { rawName, value } = token
    const spec = specs.find(({ name }) => name === token.name)
    if (spec === undefined) {
      const hint = suggest(token.name, specs.map(({ name }) => name), '--') // prettier-ignore
      throw new UsageError(`${command.name}: unknown option ${rawName}${hint}`)
    }
    checkOption({ rawName, value, inline: token.inlineValue === true }, spec, command.name)
    const before = values.get(spec.name) ?? []
    if (before.length > 0 && spec.repeats !== true) {
      throw new UsageError(`${command.name}: ${rawName} is given twice`)
    }
    values.set(spec.name, [...before, value ?? true])
  }
  if (!values.has('help')) checkOperands(positionals, command.operands, command.name)
  const textsOf = (name: string) => values.get(name)?.filter((value) => typeof value === 'string') ?? []
  return {
    operands: positionals,
    flag: (name) => values.get(name)?.[0] === true,
    value: (name) => textsOf(name)[0],
    values: textsOf,
  }
}
