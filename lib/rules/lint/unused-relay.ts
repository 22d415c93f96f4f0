import type { LintRule } from './lint-rule'

/** A named relay, or named terms, that no line uses. */
export const unusedRelay: LintRule = {
  code: 'unused-relay',
  find: ({ lines, relays, directTerms, attempts }) => {
    const used = new Set(
      lines.flatMap(({ target }) => {
        if (target.kind === 'named') return [target.relay.name]
        return target.kind === 'terms' ? [target.direct.name] : []
      }),
    )
    const unusedTerms = directTerms.filter(({ name }) => !used.has(name))
    // The relay attempts of [attempts] take all relays in turn.
    const takesAll = attempts.some(({ relay }) => relay > 0)
    const unusedRelays = takesAll ? [] : relays.filter(({ name }) => !used.has(name))
    return [
      ...unusedTerms.map(({ name, span }) => ({
        span,
        lineKind: 'header' as const,
        message: `the terms ${name} are never used: no override line sends to @${name}`,
      })),
      ...unusedRelays.map(({ name, span }) => ({
        span,
        lineKind: 'header' as const,
        message: `relay ${name} is never used: no override line sends to @${name}, and no entry of [attempts] has relays`,
      })),
    ]
  },
}
