import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { nodeSecretSources } from '../../config/secrets'
import { parseOutboundSettings, type OutboundSettings } from '../../haraka-files/outbound-ini'
import { parseListenEndpoints } from '../../haraka-files/smtp-ini'
import type { LongText } from '../../model/long-text'
import { loadConfiguration, type Configuration, type LoadResult } from '../../routing/configuration'
import { localAddresses, type OwnServer } from '../../routing/own-server'
import { formatFirst } from '../../source/format-list'
import { LONGEST_CONFIGURATION, readNamedFile, readRegularFile } from '../../files/read-file'
import { whyUnreadable } from '../../files/unreadable'
import { UnusableConfiguration, type Location } from './location'
import type { Terminal } from './terminal'
import { formatCount } from '../../status/wording'

/** A file with a similar name, which Haraka would not read. */
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
    return readNamedFile(file, LONGEST_CONFIGURATION).bytes.toString('utf8')
  } catch (error) {
    const misspelled = findMisspelled(file)
    const hint =
      misspelled === undefined
        ? 'name another with --config, or set HARAKA to the Haraka folder'
        : `there is a file ${misspelled}: rename it`
    throw new UnusableConfiguration(`cannot read ${file}: ${whyUnreadable(error)} (${hint})`, error)
  }
}

export interface LoadSettings {
  /**
   * Whether a command speaks to relays: then a secret that cannot be read is an error, else a warning.
   *
   * @default false
   */
  readonly needsSecrets?: boolean
  /** Is called with the path of each file that a secret is read from. */
  readonly noteSecretFile?: (path: string) => void
}

/** Longer files of Haraka's settings are not read. Bytes. */
const LONGEST_SETTINGS = 4 * 1024 * 1024

/** Reads Haraka's own settings in a config folder; undefined for a file that does not exist: Haraka's defaults stand in for it. */
function settingsReader(configFolder: string): (name: string) => string | undefined {
  return (name) => {
    try {
      return readRegularFile(join(configFolder, name), LONGEST_SETTINGS).bytes.toString('utf8')
    } catch {
      return undefined
    }
  }
}

/** Where the Haraka of a config folder takes mail; undefined if it has no smtp.ini, which leaves it open. */
export function readOwnServer(configFolder: string): OwnServer | undefined {
  const text = settingsReader(configFolder)('smtp.ini')
  if (text === undefined) return undefined
  return { listens: parseListenEndpoints(text), addresses: localAddresses() }
}

/**
 * Checks a text as Haraka does at start.
 *
 * @param location what diagnostics call it, and where Haraka's own settings are
 */
export function loadText(
  text: string | LongText,
  { file, configFolder }: Pick<Location, 'file' | 'configFolder'>,
  { needsSecrets = false, noteSecretFile }: LoadSettings = {},
): LoadResult {
  const ownServer = readOwnServer(configFolder)
  const sources = nodeSecretSources(needsSecrets ? 'error' : 'warning')
  const readFile = (path: string) => {
    noteSecretFile?.(path)
    return sources.readFile(path)
  }
  return loadConfiguration(text, {
    file,
    secrets: { ...sources, readFile },
    ...(ownServer === undefined ? {} : { ownServer }),
  })
}

/** The most errors that a command prints before it gives up; `check` prints all. */
const MOST_ERRORS = 50

/**
 * Loads a configuration; prints its errors on stderr.
 *
 * @throws UnusableConfiguration if the file cannot be read or has errors
 */
export function requireConfiguration(
  location: Location,
  terminal: Terminal,
  settings: LoadSettings = {},
): Configuration {
  const { file, text = readConfigurationText(file) } = location
  const { configuration, diagnostics, omitted } = loadText(text, location, settings)
  if (configuration !== undefined) return configuration
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  const { color, columns } = terminal
  const format = { color: color.err, columns, most: MOST_ERRORS, omitted: omitted.errors }
  for (const each of formatFirst(errors, format)) terminal.err(`${each}\n\n`)
  throw new UnusableConfiguration(`${file} has ${formatCount(errors.length + omitted.errors, 'error')}`)
}

/** What Haraka's own settings say about outbound mail. */
export function readOutboundSettings({ configFolder }: Pick<Location, 'configFolder'>): OutboundSettings {
  return parseOutboundSettings(settingsReader(configFolder))
}
