import { CONFIGURATION_PATH } from '../files/configuration-source'
import { nodeSecretSources } from '../config/secrets'
import { loadConfigurationInSteps, type Configuration } from '../routing/configuration'
import { finishInSteps } from '../model/steps'
import { lintInSteps } from '../rules/lint'
import { formatFirst } from '../source/format-list'
import { readTextInSteps } from '../files/read-file'

/** Override lines of the longest file that is checked: a longer one would take many seconds of processor time. */
const MOST_LINES = 5_000
/** Bytes of such a file, and characters of its lines: what is looked at in one step is bounded by them. */
const LARGEST_FILE = 1024 * 1024
const LONGEST_LINE = 2_000
/** Warnings that are shown. */
const MOST_SHOWN = 20

/** What `check` warns of. */
export type Warnings =
  | { readonly kind: 'found'; readonly texts: readonly string[] }
  /** They are still looked for. */
  | { readonly kind: 'pending' }
  /** The file has errors now, and an older one is in force. */
  | { readonly kind: 'errors' }
  /** The file is long, or cannot be read. */
  | { readonly kind: 'not looked for' }

/**
 * What `check` warns of in the file of a configuration.
 *
 * @param intervals Haraka's retry intervals, seconds
 */
export async function findWarnings(
  { file, rules }: Configuration,
  intervals: readonly number[],
): Promise<Warnings> {
  if (rules.lines.length > MOST_LINES || rules.lines.some((line) => line.text.length > LONGEST_LINE)) {
    return { kind: 'not looked for' }
  }
  try {
    const { text, mode } = await finishInSteps(readTextInSteps(file, LARGEST_FILE))
    const secrets = nodeSecretSources()
    const { configuration, diagnostics } = await loadConfigurationInSteps(text, {
      file,
      secrets: { ...secrets, missing: 'warning' },
    })
    if (configuration === undefined) return { kind: 'errors' }
    const context = { text, retryIntervalsSeconds: intervals, fileMode: mode, now: Date.now() }
    const found = await finishInSteps(lintInSteps(configuration, context))
    const warnings = [...diagnostics, ...found].map((each) => ({ ...each, file: CONFIGURATION_PATH }))
    return { kind: 'found', texts: formatFirst(warnings, { most: MOST_SHOWN }) }
  } catch {
    return { kind: 'not looked for' }
  }
}
