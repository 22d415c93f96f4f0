import type { EndingServices } from '../../lib/haraka/delivery/endings'

/** The end of an attempt by rules that say nothing of replies, of which nothing is remembered. */
export function quietEndings(): EndingServices {
  const quiet = () => {}
  return {
    judge: () => ({ rescuedBy: [], goesBy: '' }),
    keep: () => Promise.resolve(),
    lend: (_ending, work) => work(),
    runHooks: quiet,
    log: { lognotice: quiet, logerror: quiet },
  }
}
