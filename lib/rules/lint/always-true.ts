import type { LintRule } from './lint-rule'
import { alwaysHolds } from './conditions'

/** A condition that always holds, and so changes nothing. */
export const alwaysTrue: LintRule = {
  code: 'always-true',
  find: ({ lines }) =>
    lines.flatMap(({ conditions }) =>
      conditions.filter(alwaysHolds).map(({ text, span }) => ({
        span,
        lineKind: 'overrides' as const,
        message: `${text} always holds, so it changes nothing`,
      })),
    ),
}
