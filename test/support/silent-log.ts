import type { Loggable } from '../../lib/haraka-objects/plugin'

const quiet = () => {}

/** A log that nobody reads. */
export const SILENT_LOG: Loggable = {
  logdebug: quiet,
  loginfo: quiet,
  lognotice: quiet,
  logwarn: quiet,
  logerror: quiet,
  logcrit: quiet,
}
