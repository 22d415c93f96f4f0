import { parseDomainPattern } from '../domain-pattern'
import { PatternIndex } from '../pattern-index'
import { covers, sampleOf } from './patterns'
import type { LintRule } from './kind'

function normalized(text: string): string {
  const parsed = parseDomainPattern(text)
  return parsed.ok ? parsed.pattern : text
}

/** An entry of `[attempts]` behind one whose pattern fits every domain that its own fits: the first that fits is taken. */
export const unreachableAttempts: LintRule = {
  code: 'unreachable-attempts',
  find: ({ attempts }) => {
    const patterns = attempts.map(({ pattern }) => normalized(pattern))
    const index = new PatternIndex()
    for (const [id, pattern] of patterns.entries()) index.add(pattern, id)
    for (const _ of index.finish());
    return attempts.flatMap((entry, id) => {
      const own = patterns[id]!
      // a pattern that covers another matches each text that the other matches, and so this one
      const first = index.find(sampleOf(own)).find((other) => other < id && covers(patterns[other]!, own))
      const over = first === undefined ? undefined : attempts[first]
      // behind an entry for * the file's own check has told it
      if (over === undefined || over.pattern === '*') return []
      const message = `no message can reach this entry: ${over.pattern} in line ${over.span.line} fits every such domain`
      const help = { related: { line: over.span.line, message: over.pattern } }
      return [{ span: entry.span, shown: 'attempts' as const, message, help }]
    })
  },
}
