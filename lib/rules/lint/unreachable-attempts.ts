import { covers, sampleOf } from './patterns'
import type { LintRule } from './lint-rule'

/** An entry of `[attempts]` after one whose pattern matches every domain that its own matches: the first that matches counts. */
export const unreachableAttempts: LintRule = {
  code: 'unreachable-attempts',
  *find({ attempts, findAttempts }) {
    for (const entry of attempts) {
      yield
      // A pattern that covers another matches each text that the other matches, and so this one.
      const over = findAttempts(sampleOf(entry.pattern)).find(
        ({ pattern, span }) => span.line < entry.span.line && covers(pattern, entry.pattern),
      )
      // An entry for * is never used after another such: the check of the file says so.
      if (over === undefined || over.pattern === '*') continue
      const message = `no message can reach this entry: ${over.pattern} in line ${over.span.line} matches every such domain`
      const help = { related: { line: over.span.line, message: over.pattern } }
      yield { span: entry.span, lineKind: 'attempts', message, help }
    }
  },
}
