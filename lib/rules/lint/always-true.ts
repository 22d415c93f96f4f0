import type { LintRule } from './kind'
import { alwaysHolds } from './conditions'

/** A condition that always holds, and so does nothing. */
export const alwaysTrue: LintRule = {
  code: 'always-true',
  find: ({ lines }) =>
    lines.flatMap(({ conditions }) =>
      conditions.filter(alwaysHolds).map(({ text, span }) => ({
        span,
        shown: 'overrides' as const,
        message: `${text} always holds, so it changes nothing`,
      })),
    ),
}
