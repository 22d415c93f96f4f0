import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { nodeSecretSources } from '../../config/secrets'
import { outboundSettings, type OutboundSettings } from '../../haraka-files/outbound-ini'
import { loadConfiguration, type Configuration, type LoadResult } from '../../routing/configuration'
import type { Diagnostic } from '../../source/diagnostic'
import { formatDiagnostic } from '../../source/format'
import { whyUnreadable } from '../../source/unreadable'
import { UnusableConfiguration, type Location } from './location'
import type { Terminal } from './terminal'
import { formatCount } from './wording'

/** A file of nearly that name, which Haraka would not read. */
function findMisspelled(file: string): string | undefined {
  const other = basename(file).replaceAll('_', '-')
  return other !== basename(file) && existsSync(join(dirname(file), other)) ? other : undefined
}

/**
 * The text of a configuration file.
 *
 * @throws UnusableConfiguration if the file cannot be read
 */
export function readConfigurationText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const misspelled = findMisspelled(file)
    const hint =
      misspelled === undefined
        ? 'name another with --config, or set HARAKA to the Haraka folder'
        : `there is a file ${misspelled}: rename it`
    throw new UnusableConfiguration(`cannot read ${file}: ${whyUnreadable(error)} (${hint})`, error)
  }
}

/** Checks a text as Haraka does at start. `file` is what diagnostics call it. */
export function loadText(text: string, file: string): LoadResult {
  return loadConfiguration(text, { file, secrets: nodeSecretSources() })
}

/** Prints diagnostics one after the other, each with an empty line after it. */
export function printDiagnostics(
  diagnostics: readonly Diagnostic[],
  print: (text: string) => void,
  color: boolean,
): void {
  for (const diagnostic of diagnostics) print(`${formatDiagnostic(diagnostic, { color })}\n\n`)
}

/**
 * Loads a configuration; prints its errors on stderr.
 *
 * @throws UnusableConfiguration if the file cannot be read or has errors
 */
export function requireConfiguration({ file }: Pick<Location, 'file'>, terminal: Terminal): Configuration {
  const { configuration, diagnostics } = loadText(readConfigurationText(file), file)
  if (configuration !== undefined) return configuration
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  printDiagnostics(errors, terminal.err, terminal.color.err)
  throw new UnusableConfiguration(`${file} has ${formatCount(errors.length, 'error')}`)
}

/** What Haraka's own settings say about outbound mail. */
export function readOutboundSettings({ configFolder }: Pick<Location, 'configFolder'>): OutboundSettings {
  return outboundSettings((name) => {
    try {
      return readFileSync(join(configFolder, name), 'utf8')
    } catch {
      // Haraka's defaults stand in for a file that is not there.
      return undefined
    }
  })
}
