import { KNOWN_REPLIES } from '../known-replies'
import type { LintRule } from './lint-rule'
import { findCatches } from './reply-catch'

/** A `$reply` that fits no reply of a big provider or a common program: perhaps a typing error. */
export const unknownReply: LintRule = {
  code: 'unknown-reply',
  find: ({ lines }) =>
    [...findCatches(lines)].flatMap(({ conditions: [first], caught, holdsWithout }) => {
      if (first === undefined || holdsWithout || caught.length > 0) return []
      const message = `${first.text} catches none of the ${KNOWN_REPLIES.length} known replies`
      const help = { expected: 'words of a reply as the log has it, such as $reply~=*S3140*' }
      return [{ span: first.span, lineKind: 'overrides' as const, message, help }]
    }),
}
