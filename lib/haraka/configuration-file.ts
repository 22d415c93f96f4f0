import { resolve } from 'node:path'
import { inspect } from 'node:util'
import { formatDiagnostic } from '../source/format'
import { nodeSecretSources } from '../config/secrets'
import {
  type Configuration,
  loadConfiguration,
  loadConfigurationInSteps,
  type LoadOptions,
  type LoadResult,
} from '../routing/configuration'
import type { Diagnostic } from '../source/diagnostic'
import { DnsOverridesError } from '../model/errors'
import { runExpectations, unmetText } from '../rules/expectations'
import type { HarakaPlugin } from './types'

const NAME = 'dns_overrides.ini'
/** What the file is called in messages: as seen from the Haraka folder. */
const SHOWN = `config/${NAME}`

/** The file cannot be used. The message has every error, each with line, column and caret. */
export class ConfigurationError extends DnsOverridesError {
  constructor(message: string) {
    super(message, { code: 'ECONFIG', temporary: false })
    // Haraka prints the stack of what stops it: a list of calls would only hide the list of errors.
    this.stack = `${this.name}: ${message}`
  }

  [inspect.custom](): string {
    return this.stack ?? this.message
  }
}

/** The full path of the file: relative paths of secrets are meant from its folder, wherever Haraka was started. */
function loadOptions(): LoadOptions {
  return { file: resolve(process.env.HARAKA ?? '.', SHOWN), secrets: nodeSecretSources() }
}

/** A diagnostic as the log has it, with the short name of the file. */
function textOf(diagnostic: Diagnostic): string {
  return formatDiagnostic({ ...diagnostic, file: SHOWN })
}

function errorText(result: LoadResult): string {
  const errors = result.diagnostics.filter(({ severity }) => severity === 'error')
  const count = errors.length === 1 ? '1 error' : `${errors.length} errors`
  return [`${SHOWN} has ${count}`, ...errors.map(textOf)].join('\n')
}

/** Haraka joins the lines of one message into one (`logger.js`); a caret needs the line above it. */
function eachLine(text: string, log: (line: string) => unknown): void {
  for (const line of text.split('\n')) if (line.trim() !== '') log(line)
}

/**
 * `config/dns_overrides.ini`, read through Haraka so that Haraka tells of changes. Type `data` keeps every line, so that line
 * numbers are those of the file (haraka-config 1.7 `lib/readers/flat.js`).
 */
export class ConfigurationFile {
  readonly #plugin: HarakaPlugin
  readonly #onChange: (configuration: Configuration) => void
  /** Number of the newest reload that has begun: what an older one finds is thrown away. */
  #newest = 0
  #closed = false

  constructor(plugin: HarakaPlugin, onChange: (configuration: Configuration) => void) {
    this.#plugin = plugin
    this.#onChange = onChange
  }

  /**
   * Reads the file for the first time.
   *
   * @param watched from now on it is read again whenever it changes
   * @throws ConfigurationError with every error of the file
   */
  open(watched = true): Configuration {
    const result = loadConfiguration(this.#text(watched), loadOptions())
    if (result.configuration === undefined) throw new ConfigurationError(errorText(result))
    this.#warn(result)
    // a server that starts has no other rules to go on with, so its tests can only warn
    this.#warnOfTests(result.configuration)
    return result.configuration
  }

  /** Forgets a reload that is under way, and later ones. */
  close(): void {
    this.#closed = true
  }

  #text(watched: boolean): string {
    const changed = watched ? () => void this.#reload() : undefined
    return this.#plugin.config.get(NAME, 'data', changed).join('\n')
  }

  async #reload(): Promise<void> {
    const turn = ++this.#newest
    const plugin = this.#plugin
    try {
      const result = await loadConfigurationInSteps(this.#text(true), loadOptions())
      if (this.#closed || turn !== this.#newest) return
      if (result.configuration === undefined) {
        eachLine(errorText(result), (line) => plugin.logerror(line))
        plugin.logerror(`${SHOWN} is not used as it stands now: the rules read before stay in force`)
        return
      }
      this.#warn(result)
      const unmet = this.#unmetTests(result.configuration)
      if (unmet !== '' && result.configuration.settings.tests.onReload === 'refuse') {
        eachLine(unmet, (line) => plugin.logerror(line))
        plugin.logerror(`${SHOWN} does not meet its own [tests]: the rules read before stay in force`)
        return
      }
      eachLine(unmet, (line) => plugin.logwarn(line))
      this.#onChange(result.configuration)
      plugin.lognotice(`${SHOWN} is read again and in force`)
    } catch (error) {
      plugin.logerror(`${SHOWN} could not be read again: the rules read before stay in force:`, error)
    }
  }

  /** The lines of `[tests]` that the rules do not meet; empty where all are, or nobody wants to know. */
  #unmetTests(configuration: Configuration): string {
    if (configuration.settings.tests.onReload === 'ignore') return ''
    const results = runExpectations(configuration)
    return results
      .filter(({ met }) => !met)
      .map((result) => unmetText(result, SHOWN))
      .join('\n')
  }

  #warnOfTests(configuration: Configuration): void {
    try {
      eachLine(this.#unmetTests(configuration), (line) => this.#plugin.logwarn(line))
    } catch (error) {
      this.#plugin.logerror(`${SHOWN}: its [tests] could not be run:`, error)
    }
  }

  #warn(result: LoadResult): void {
    for (const warning of result.diagnostics.filter(({ severity }) => severity === 'warning')) {
      eachLine(textOf(warning), (line) => this.#plugin.logwarn(line))
    }
  }
}
