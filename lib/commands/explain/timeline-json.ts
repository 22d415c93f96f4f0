import type { Timeline } from '../../status/forecast/timeline'
import { explanationJson } from './explanation-json'

/** The timeline as `--json` prints it, times as ISO 8601. */
export function timelineJson({ attempts, end, branches }: Timeline): Record<string, unknown> {
  return {
    attempts: attempts.map(({ at, explanation }) => {
      const { domain: _, ...decision } = explanationJson(explanation)
      return { retries: explanation.message.retries, at: new Date(at).toISOString(), ...decision }
    }),
    branches: branches.map(({ line, after, reply, failed, at, explanation }) => {
      const { domain: _, ...decision } = explanationJson(explanation)
      const cause = reply === '' ? { failed } : { failed, reply }
      return { line, after, ...cause, at: new Date(at).toISOString(), ...decision }
    }),
    bounce: { at: new Date(end.at).toISOString(), reason: end.message },
  }
}
