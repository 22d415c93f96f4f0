import type { OptionSpec } from './command-spec'

/** Options of every command. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [{ name: 'help', short: 'h', summary: 'show this help' }]

export const CONFIG: OptionSpec = {
  name: 'config',
  short: 'c',
  value: { name: 'PATH', kind: 'path' },
  summary:
    'the configuration: a file, a Haraka folder or its config folder; default: the folder $HARAKA, else this one',
}

export const JSON_OUTPUT: OptionSpec = { name: 'json', summary: 'print JSON' }

export const WATCH: OptionSpec = {
  name: 'watch',
  summary: 'refresh every second until Ctrl-C; without a terminal, print each change',
}
