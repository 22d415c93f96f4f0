import { parseArgs } from 'node:util'
import { UsageError } from '../model/errors'
import { nearest } from '../source/suggest'
import type { Arguments, CommandSpec, OperandSpec, OptionSpec } from '../commands/shared/types'

function didYouMean(word: string, known: readonly string[], prefix = ''): string {
  const suggestion = nearest(word, known)
  return suggestion === undefined ? '' : `; did you mean ${prefix}${suggestion}?`
}

/** The command of that name, or a usage error that names the nearest. */
export function findCommand(name: string, table: readonly CommandSpec[]): CommandSpec {
  const found = table.find((command) => command.name === name)
  if (found !== undefined) return found
  const names = table.map((command) => command.name)
  const hint = didYouMean(name, names) || `; commands are ${names.join(', ')}`
  throw new UsageError(`there is no command "${name}"${hint}`)
}

function checkOperands(given: readonly string[], wanted: readonly OperandSpec[], command: string): void {
  const missing = wanted.filter((operand) => operand.optional !== true)[given.length]
  if (missing !== undefined) throw new UsageError(`${command}: ${missing.name} is missing`)
  const many = wanted.some((operand) => operand.repeats === true)
  const extra = given[wanted.length]
  if (!many && extra !== undefined) throw new UsageError(`${command}: "${extra}" is one word too many`)
}

/** One option as it was written; `value` undefined: none was given. */
interface Given {
  readonly rawName: string
  readonly value: string | undefined
  readonly inline: boolean
}

function checkOption(given: Given, spec: OptionSpec, command: string): void {
  if (spec.value === undefined) {
    if (given.inline) throw new UsageError(`${command}: ${given.rawName} takes no value`)
    return
  }
  if (given.value === undefined)
    throw new UsageError(`${command}: ${given.rawName} needs a value (${spec.value})`)
  if (!given.inline && given.value.length > 1 && given.value.startsWith('-')) {
    throw new UsageError(
      `${command}: ${given.rawName} needs a value (${spec.value}); one that begins with "-" is written ${given.rawName}=${given.value}`,
    )
  }
}

/**
 * The words after a command's name, parsed by its own options.
 *
 * @throws UsageError with one line that says what is wrong.
 */
export function parseArguments(
  words: readonly string[],
  command: CommandSpec,
  common: readonly OptionSpec[],
): Arguments {
  const specs = [...command.options, ...common]
  const { tokens, positionals } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      specs.map((spec) => [
        spec.name,
        {
          type: spec.value === undefined ? ('boolean' as const) : ('string' as const),
          ...(spec.short === undefined ? {} : { short: spec.short }),
        },
      ]),
    ),
    // our own checks give clearer lines than strict mode, whose messages differ between versions of Node
    strict: false,
    tokens: true,
  })
  const values = new Map<string, string | true>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const spec = specs.find(({ name }) => name === token.name)
    if (spec === undefined) {
      const hint = didYouMean(token.name, specs.map(({ name }) => name), '--') // prettier-ignore
      throw new UsageError(`${command.name}: there is no option ${token.rawName}${hint}`)
    }
    checkOption(
      { rawName: token.rawName, value: token.value, inline: token.inlineValue === true },
      spec,
      command.name,
    )
    if (values.has(spec.name)) throw new UsageError(`${command.name}: ${token.rawName} is given twice`)
    values.set(spec.name, token.value ?? true)
  }
  if (!values.has('help')) checkOperands(positionals, command.operands, command.name)
  return {
    operands: positionals,
    flag: (name) => values.get(name) === true,
    value: (name) => {
      const value = values.get(name)
      return typeof value === 'string' ? value : undefined
    },
  }
}
