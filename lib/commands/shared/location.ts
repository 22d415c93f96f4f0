import { CONFIGURATION_NAME } from '../../files/configuration-source'
import { existsSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { DnsOverridesError, UsageError } from '../../model/errors'
import { findQueueFolder } from '../../haraka-files/queue-folder'
import { isDescriptorPath, readRegularFile } from '../../files/read-file'
import { STATE_FOLDER } from '../../relays/state-folder'
import type { Arguments } from './parsed-arguments'
import type { Terminal } from './terminal'

/** A configuration that cannot be used: exit status 78. */
export class UnusableConfiguration extends DnsOverridesError {
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'ECONFIG', temporary: false, cause })
  }
}

/** Of a file of Haraka with one line, bytes. */
const LONGEST_SETTING = 64 * 1024

/** Where a command looks. */
export interface Location {
  /** The configuration. */
  readonly file: string
  /** Its text, if it was read already: of the standard input. */
  readonly text?: string
  /** The folder of Haraka's own settings, such as outbound.ini. */
  readonly configFolder: string
  /** The folder with which Haraka is started. */
  readonly harakaFolder: string
}

/** The folder in which a running server reports. */
export const stateFolder = ({ harakaFolder }: Location): string => join(harakaFolder, STATE_FOLDER)

/** Haraka's queue folder. */
export function queueFolderOf({ configFolder, harakaFolder }: Location): string {
  let setting: string | undefined
  try {
    setting = readRegularFile(join(configFolder, 'queue_dir'), LONGEST_SETTING).bytes.toString('utf8')
  } catch {
    // Haraka's default.
  }
  return findQueueFolder(harakaFolder, setting)
}

/** The file as seen from the current folder, unless it is elsewhere. */
export function shortName(file: string, cwd: string): string {
  const name = relative(cwd, file)
  return name.startsWith('..') ? file : name
}

const CONFIG_FOLDER = 'config'

/** Files that show that a folder is a config folder of Haraka, whatever its name. */
const HARAKA_FILES = ['plugins', 'smtp.ini', 'outbound.ini']

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function inHarakaFolder(harakaFolder: string): Location {
  const configFolder = join(harakaFolder, CONFIG_FOLDER)
  return { file: join(configFolder, CONFIGURATION_NAME), configFolder, harakaFolder }
}

function inConfigFolder(configFolder: string, file = join(configFolder, CONFIGURATION_NAME)): Location {
  return { file, configFolder, harakaFolder: dirname(configFolder) }
}

/** Does the folder belong to a Haraka? */
function isConfigFolder(folder: string): boolean {
  return basename(folder) === CONFIG_FOLDER || HARAKA_FILES.some((name) => existsSync(join(folder, name)))
}

/**
 * Finds the configuration, and the Haraka that it belongs to.
 *
 * @param named a configuration file, a Haraka folder or its config folder. It takes precedence over `$HARAKA`; only for a
 * file outside of any Haraka folder Haraka's own settings are those of `$HARAKA`. If absent: the configuration of `$HARAKA`, or else of the current folder.
 * @throws UnusableConfiguration if it is a folder, and neither of these
 */
export function findConfiguration(
  named: string | undefined,
  { env, cwd }: Pick<Terminal, 'env' | 'cwd'>,
): Location {
  const haraka = env.HARAKA ?? ''
  if (named === undefined) return inHarakaFolder(resolve(cwd, haraka))
  const path = resolve(cwd, named)
  if (isDescriptorPath(path)) return { ...inHarakaFolder(resolve(cwd, haraka)), file: path }
  if (isFolder(path)) {
    if (isFolder(join(path, CONFIG_FOLDER))) return inHarakaFolder(path)
    if (isConfigFolder(path) || existsSync(join(path, CONFIGURATION_NAME))) return inConfigFolder(path)
    const expected = `neither ${CONFIG_FOLDER}/${CONFIGURATION_NAME} nor ${CONFIGURATION_NAME} is in it`
    throw new UnusableConfiguration(`cannot read ${path}: it is a folder, and ${expected}`)
  }
  const folder = dirname(path)
  if (haraka === '' || isConfigFolder(folder)) return inConfigFolder(folder, path)
  return { ...inHarakaFolder(resolve(cwd, haraka)), file: path }
}

/** The name of the standard input in messages. */
const STANDARD_INPUT = '<stdin>'

/** As {@link findConfiguration}, for an operand: `-` is the standard input, which is read. */
export async function findOperand(operand: string, terminal: Terminal): Promise<Location> {
  if (operand !== '-') return findConfiguration(operand, terminal)
  const text = (await terminal.input()).toString('utf8')
  return { ...findConfiguration(undefined, terminal), file: STANDARD_INPUT, text }
}

/**
 * As {@link findOperand}, for a command that takes the configuration as an option too.
 *
 * @throws UsageError if both are given
 */
export async function findOperandOrOption(
  command: string,
  args: Arguments,
  terminal: Terminal,
): Promise<Location> {
  const [operand] = args.operands
  const option = args.value('config')
  if (operand === undefined) return findConfiguration(option, terminal)
  if (option === undefined) return findOperand(operand, terminal)
  throw new UsageError(`${command}: FILE and --config both name a file`)
}
