import { inspect } from 'node:util'
import { nodeSecretSources } from '../config/secrets'
import { DnsOverridesError } from '../model/errors'
import {
  type Configuration,
  loadConfiguration,
  loadConfigurationInSteps,
  type LoadOptions,
  type LoadResult,
} from '../routing/configuration'
import { finishInSteps } from '../model/steps'
import type { OwnServer } from '../routing/own-server'
import { runExpectations } from '../rules/expectations'
import {
  countMistakes,
  entriesOf,
  inForceEntry,
  mistakesText,
  refusedEntry,
  unmetTestsText,
} from './configuration-log'
import {
  type ConfigurationSource,
  CONFIGURATION_PATH,
  configurationSourceInSteps,
  readConfigurationSource,
} from '../files/configuration-source'
import { formatCount } from '../status/wording'
import { watchFile } from './file-watch'
import type { LogEntry } from './log-entry'
import { NamedFiles } from './named-files'
import type { ServerFinding } from './server-log'

/** There is no configuration to start with. The message has the errors of the file, each with line, column and caret. */
export class StartError extends DnsOverridesError {
  constructor(message: string) {
    super(message, { code: 'ECONFIG', temporary: false })
    // Haraka prints the stack of what stops it: a list of calls would only hide the list of errors.
    this.stack = `${this.name}: ${message}`
  }

  [inspect.custom](): string {
    return this.stack ?? this.message
  }
}

export interface ConfigurationFileOptions {
  /** Full path. Relative paths of secrets are meant from its folder, wherever Haraka was started. */
  readonly path: string
  /** Logs what was found, once for the whole server. */
  readonly report: (finding: ServerFinding) => void
  /** Takes the configuration of a reload. */
  readonly onChange: (configuration: Configuration) => void
  /** Called after each reading of the file, when it is in force or refused. */
  readonly onReading?: (reading: ConfigurationReading) => void
  /** Names of the relays that are held by hand. */
  readonly readHolds: () => readonly string[]
  /** Where this server takes mail: a target there is an error. Absent: not checked. */
  readonly readOwnServer?: () => OwnServer
  /** @default watchFile */
  readonly watch?: typeof watchFile
}

/** What became of one reading of the file. */
export interface ConfigurationReading {
  readonly good: boolean
  /** Why it was refused, as the rest of a sentence about the file; else empty. */
  readonly reason: string
  /** Of the content. */
  readonly digest: string
  /** What came into force. */
  readonly configuration?: Configuration
}

/** A reload, from the change of the file to the answer. */
interface Reload {
  readonly source: ConfigurationSource
  /** Is it still the newest? */
  readonly isValid: () => boolean
}

/** Either a configuration to be taken up, with warnings, or why the file is not used, with errors. */
type ReloadResult =
  | { readonly kind: 'good'; readonly configuration: Configuration; readonly entries: readonly LogEntry[] }
  | { readonly kind: 'refused'; readonly reason: string; readonly entries: readonly LogEntry[] }

/** `config/dns_overrides.ini`: read at the start, and again whenever it changes. */
export class ConfigurationFile {
  readonly #options: ConfigurationFileOptions
  #stopWatching: () => void = () => {}
  /** Number of the newest reload that has begun: what an older one finds is thrown away. */
  #newest = 0
  #closed = false
  /** Is there a configuration in force? */
  #isInForce = false
  /** Files that the last reading asked for. */
  #named: ReadonlySet<string> = new Set()
  readonly #namedFiles: NamedFiles

  constructor(options: ConfigurationFileOptions) {
    this.#options = options
    const { watch = watchFile } = options
    this.#namedFiles = new NamedFiles(watch, () => void this.#reload())
  }

  /**
   * Reads the file for the first time. One that is missing or empty is a warning: there are no rules.
   *
   * @throws StartError with the errors of the file, or why it cannot be read
   */
  read(): Configuration {
    const source = readConfigurationSource(this.#options.path)
    if (source.kind === 'unreadable') throw new StartError(`${CONFIGURATION_PATH} ${source.why}`)
    const { options, named } = this.#loadOptions()
    const result = loadConfiguration(source.kind === 'text' ? source.text : '', options)
    this.#named = named
    const { configuration } = result
    if (configuration === undefined) throw new StartError(errorsText(result))
    this.#isInForce = true
    const absent =
      source.kind === 'absent' ? `${CONFIGURATION_PATH} ${source.why}. No rules: nothing is overridden` : ''
    this.#report(source, 'in force', [
      ...entriesOf('warn', absent),
      ...entriesOf('warn', mistakesText(result, 'warning')),
      inForceEntry({ configuration, holds: this.#options.readHolds(), when: 'start' }),
    ])
    this.#options.onReading?.({ good: true, reason: '', digest: source.digest, configuration })
    // A server that starts has no other rules to go on with, so its tests can only warn.
    this.#reportUnmetTests(source, configuration)
    return configuration
  }

  /** Reads the file again whenever it changes, until {@link close}. */
  watch(): void {
    const { path, watch = watchFile } = this.#options
    try {
      this.#stopWatching = watch(path, () => void this.#reload())
      this.#namedFiles.follow(this.#named)
    } catch (error) {
      const text = `changes of ${CONFIGURATION_PATH} cannot be seen, only a restart reads it again: ${String(error)}`
      this.#options.report({ key: text, entries: entriesOf('error', text) })
    }
  }

  /** Forgets a reload that is under way, and later ones. */
  close(): void {
    this.#closed = true
    this.#stopWatching()
    this.#namedFiles.follow(new Set())
  }

  /** Never rejects. */
  async #reload(): Promise<void> {
    const number = ++this.#newest
    const source = await finishInSteps(configurationSourceInSteps(this.#options.path))
    try {
      const isValid = () => !this.#closed && number === this.#newest
      const result = await this.#load({ source, isValid })
      if (result !== undefined) this.#finish(source, result)
    } catch (error) {
      this.#finish(source, {
        kind: 'refused',
        reason: 'could not be read again',
        entries: entriesOf('error', inspect(error)),
      })
    }
  }

  #finish(source: ConfigurationSource, result: ReloadResult): void {
    const { onChange, onReading, readHolds } = this.#options
    const { digest } = source
    if (result.kind === 'refused') {
      onReading?.({ good: false, reason: result.reason, digest })
      const conclusion = refusedEntry(result.reason, this.#isInForce)
      this.#report(source, result.reason, [...result.entries, conclusion])
      return
    }
    const { configuration } = result
    onChange(configuration)
    onReading?.({ good: true, reason: '', digest, configuration })
    this.#isInForce = true
    this.#report(source, 'in force', [
      ...result.entries,
      inForceEntry({ configuration, holds: readHolds(), when: 'reload' }),
    ])
  }

  /** What the file says now; undefined if a newer reload has begun. */
  async #load({ source, isValid }: Reload): Promise<ReloadResult | undefined> {
    if (source.kind !== 'text') {
      // A full disk leaves an empty file, an editor for a moment none: neither takes the rules away.
      return {
        kind: 'refused',
        reason: source.why,
        entries: entriesOf('error', `${CONFIGURATION_PATH} ${source.why}`),
      }
    }
    const { options, named } = this.#loadOptions()
    const result = await loadConfigurationInSteps(source.text, options)
    if (!isValid()) return undefined
    this.#namedFiles.follow(named)
    const { configuration } = result
    if (configuration === undefined) {
      const reason = `has ${formatCount(countMistakes(result, 'error'), 'error')} and is not used`
      return { kind: 'refused', reason, entries: entriesOf('error', mistakesText(result, 'error')) }
    }
    const unmet = unmetTests(configuration)
    if (unmet !== '' && configuration.settings.tests.onReload === 'refuse') {
      const reason = 'does not meet its own [tests] and is not used'
      return { kind: 'refused', reason, entries: entriesOf('error', unmet) }
    }
    const warnings = [mistakesText(result, 'warning'), unmet].join('\n')
    return { kind: 'good', configuration, entries: entriesOf('warn', warnings) }
  }

  /** How the file is read, and a set that then has the other files that it names. */
  #loadOptions(): { readonly options: LoadOptions; readonly named: ReadonlySet<string> } {
    const { path, readOwnServer } = this.#options
    const ownServer = readOwnServer === undefined ? {} : { ownServer: readOwnServer() }
    const named = new Set<string>()
    const sources = nodeSecretSources()
    const readFile = (file: string) => {
      named.add(file)
      return sources.readFile(file)
    }
    return { options: { file: path, secrets: { ...sources, readFile }, ...ownServer }, named }
  }

  #report({ digest }: ConfigurationSource, outcome: string, entries: readonly LogEntry[]): void {
    this.#options.report({ key: `${digest} ${outcome}`, entries })
  }

  /** Never throws. */
  #reportUnmetTests(source: ConfigurationSource, configuration: Configuration): void {
    try {
      const unmet = unmetTests(configuration)
      if (unmet !== '') this.#report(source, 'tests', entriesOf('warn', unmet))
    } catch (error) {
      const text = `the [tests] of ${CONFIGURATION_PATH} could not be run: ${inspect(error)}`
      this.#report(source, 'tests', entriesOf('error', text))
    }
  }
}

function errorsText(result: LoadResult): string {
  const count = formatCount(countMistakes(result, 'error'), 'error')
  return `${CONFIGURATION_PATH} has ${count}\n${mistakesText(result, 'error')}`
}

/** The lines of `[tests]` that the rules do not meet, as text; empty where all are met or `on_reload = ignore`. */
function unmetTests(configuration: Configuration): string {
  if (configuration.settings.tests.onReload === 'ignore') return ''
  return unmetTestsText(runExpectations(configuration))
}
