import type { LintRule } from './kind'

/** A named relay to which nothing sends mail. */
export const unusedRelay: LintRule = {
  code: 'unused-relay',
  find: ({ lines, relays, attempts }) => {
    // The relay attempts of [attempts] take all relays in turn.
    if (attempts.some(({ relay }) => relay > 0)) return []
    const used = new Set(lines.flatMap(({ target }) => (target.kind === 'named' ? [target.relay.name] : [])))
    return relays
      .filter(({ name }) => !used.has(name))
      .map(({ name, span }) => ({
        span,
        shown: 'header',
        message: `relay ${name} is never used: no override line sends to @${name}, and no entry of [attempts] has relays`,
      }))
  },
}
