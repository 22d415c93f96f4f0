import { whyUnreadable } from '../../source/unreadable'
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { formatDiagnostic } from '../../source/format'
import { outboundSettings, type OutboundSettings } from '../../haraka-files/outbound-ini'
import { nodeSecretSources } from '../../config/secrets'
import { loadConfiguration, type Configuration, type LoadResult } from '../../routing/configuration'
import type { Diagnostic } from '../../source/diagnostic'
import { DnsOverridesError } from '../../model/errors'
import type { Terminal } from './types'
import { count } from './wording'

/** The file that a command speaks of: the one named, else that of the Haraka folder, else of the current folder. */
export function configurationFile(named: string | undefined, terminal: Terminal): string {
  if (named !== undefined) return resolve(terminal.cwd, named)
  const haraka = terminal.env.HARAKA ?? ''
  return resolve(terminal.cwd, haraka, 'config', 'dns_overrides.ini')
}

/** A configuration that cannot be used: exit status 78. */
class ConfigurationError extends DnsOverridesError {
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'ECONFIG', temporary: false, cause })
  }
}

/**
 * The text of a configuration file.
 *
 * @throws a DnsOverridesError with code `ECONFIG` if the file cannot be read
 */
export function readConfigurationText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const hint = 'name another with --config, or set HARAKA to the Haraka folder'
    throw new ConfigurationError(`cannot read ${file}: ${whyUnreadable(error)} (${hint})`, error)
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
 * A configuration that is good, or its errors on stderr.
 *
 * @throws a DnsOverridesError with code `ECONFIG` where the file cannot be read or has errors.
 */
export function requireConfiguration(file: string, terminal: Terminal): Configuration {
  const { configuration, diagnostics } = loadText(readConfigurationText(file), file)
  if (configuration !== undefined) return configuration
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  printDiagnostics(errors, terminal.err, terminal.color.err)
  throw new ConfigurationError(`${file} has ${count(errors.length, 'error')}`)
}

/** What Haraka's own outbound settings say: those of `$HARAKA`, else of the folder in which the file is. */
export function harakaOutbound(file: string, terminal: Terminal): OutboundSettings {
  const haraka = terminal.env.HARAKA ?? ''
  const folder = haraka === '' ? dirname(file) : resolve(terminal.cwd, haraka, 'config')
  return outboundSettings((name) => {
    try {
      return readFileSync(join(folder, name), 'utf8')
    } catch {
      // Haraka's defaults stand in for a file that is not there
      return undefined
    }
  })
}
