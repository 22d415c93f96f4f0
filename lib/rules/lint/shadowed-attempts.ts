import { parseDomainPattern } from '../domain'
import { covers } from './patterns'
import type { LintRule } from './kind'

function normalized(text: string): string {
  const parsed = parseDomainPattern(text)
  return parsed.ok ? parsed.pattern : text
}

/** An entry of `[attempts]` behind one whose pattern fits every domain that its own fits: the first that fits is taken. */
export const shadowedAttempts: LintRule = {
  code: 'unreachable',
  find: ({ attempts }) =>
    attempts.flatMap((entry, index) => {
      // behind an entry for * the file's own check has told it
      const over = attempts
        .slice(0, index)
        .find(({ pattern }) => covers(normalized(pattern), normalized(entry.pattern)))
      if (over === undefined || over.pattern === '*') return []
      const message = `no message can reach this entry: ${over.pattern} in line ${over.span.line} fits every such domain`
      const help = { related: { line: over.span.line, message: over.pattern } }
      return [{ span: entry.span, shown: 'attempts' as const, message, help }]
    }),
}
