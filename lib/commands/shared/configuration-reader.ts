import type { Configuration } from '../../routing/configuration'
import { readConfigurationSource } from '../../files/configuration-source'
import { UnusableConfiguration, type Location } from './location'
import { requireConfiguration } from './require-configuration'
import type { Terminal } from './terminal'

/** What the file says now. */
export interface ReadConfiguration {
  /** See `readConfigurationSource`. */
  readonly digest: string
  /** Undefined: it cannot be used. */
  readonly configuration: Configuration | undefined
  /** Then: its errors, for a reader. */
  readonly problems: string
}

/** Reads a configuration as often as it is asked for; loads it anew only if the file has changed. */
export class ConfigurationReader {
  readonly #location: Location
  readonly #terminal: Terminal
  #last: ReadConfiguration | undefined

  constructor(location: Location, terminal: Terminal) {
    this.#location = location
    this.#terminal = terminal
  }

  read(): ReadConfiguration {
    const { digest } = readConfigurationSource(this.#location.file)
    if (this.#last?.digest !== digest) this.#last = { digest, ...this.#load() }
    return this.#last
  }

  #load(): Omit<ReadConfiguration, 'digest'> {
    let problems = ''
    const terminal = { ...this.#terminal, err: (text: string) => void (problems += text) }
    try {
      return { configuration: requireConfiguration(this.#location, terminal), problems }
    } catch (error) {
      if (!(error instanceof UnusableConfiguration)) throw error
      return { configuration: undefined, problems: `${problems}${error.message}\n` }
    }
  }
}
