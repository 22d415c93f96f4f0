import { KNOWN_REPLIES } from '../known-replies'
import { conditionSpan } from '../places'
import type { LintRule } from './lint-rule'
import { findCatches } from './reply-catch'

/** A `$reply` that fits no reply of a big provider or a common program: perhaps a typing error. */
export const unknownReply: LintRule = {
  code: 'unknown-reply',
  *find({ lines }) {
    for (const found of findCatches(lines)) {
      yield
      if (found === undefined) continue
      const { line, condition, caught, holdsWithout } = found
      if (holdsWithout || caught.length > 0) continue
      const message = `${condition.text} catches none of the ${KNOWN_REPLIES.length} known replies`
      const help = { expected: 'words of a reply as the log has it, such as $reply~=*S3140*' }
      yield { span: conditionSpan(line, condition), lineKind: 'overrides', message, help }
    }
  },
}
