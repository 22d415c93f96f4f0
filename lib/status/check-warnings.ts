import { nodeSecretSources } from '../config/secrets'
import { loadConfigurationInSteps, type Configuration } from '../routing/configuration'
import { lint } from '../rules/lint'
import { formatFirst } from '../source/format-list'
import { readRegularFile } from '../files/read-file'

/** Override lines of a file that is looked at: of more, looking would keep mail waiting. */
const MOST_LINES = 500
/** Bytes of such a file. */
const LARGEST_FILE = 256 * 1024
/** Warnings that are shown. */
const MOST_SHOWN = 20

/**
 * What `check` warns of in the file of a configuration, as text.
 *
 * @param intervals Haraka's retry intervals, seconds
 * @returns empty: nothing; undefined: the file is long or cannot be read
 */
export async function findWarnings(
  { file, rules }: Configuration,
  intervals: readonly number[],
): Promise<string | undefined> {
  if (rules.lines.length > MOST_LINES) return undefined
  try {
    const { bytes, mode } = readRegularFile(file, LARGEST_FILE)
    const text = bytes.toString('utf8')
    const secrets = nodeSecretSources()
    const { configuration, diagnostics } = await loadConfigurationInSteps(text, {
      file,
      secrets: { ...secrets, missing: 'warning' },
    })
    if (configuration === undefined) return 'config/dns_overrides.ini has errors now: run dns-overrides check'
    const found = lint(configuration, {
      text,
      retryIntervalsSeconds: intervals,
      fileMode: mode,
      now: Date.now(),
    })
    const warnings = [...diagnostics, ...found].map((each) => ({ ...each, file: 'config/dns_overrides.ini' }))
    return formatFirst(warnings, { most: MOST_SHOWN }).join('\n')
  } catch {
    return undefined
  }
}
