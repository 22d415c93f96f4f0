import { covers, sampleOf } from './patterns'
import type { LintRule } from './lint-rule'

/** An entry of `[attempts]` after one whose pattern matches every domain that its own matches: the first that matches counts. */
export const unreachableAttempts: LintRule = {
  code: 'unreachable-attempts',
  *find({ attempts, findAttempts }) {
    for (const [id, entry] of attempts.entries()) {
      yield
      // A pattern that covers another matches each text that the other matches, and so this one.
      const first = findAttempts(sampleOf(entry.pattern)).find(
        (other) => other < id && covers(attempts[other]!.pattern, entry.pattern),
      )
      const over = first === undefined ? undefined : attempts[first]
      // An entry for * is never used after another such: the check of the file says so.
      if (over === undefined || over.pattern === '*') continue
      const message = `no message can reach this entry: ${over.pattern} in line ${over.span.line} matches every such domain`
      const help = { related: { line: over.span.line, message: over.pattern } }
      yield { span: entry.span, lineKind: 'attempts', message, help }
    }
  },
}
