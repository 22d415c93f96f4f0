import type { KnownReply } from '../known-replies'
import { conditionSpan } from '../places'
import type { LintRule } from './lint-rule'
import { findCatches, isOfRecipient } from './reply-catch'

/** `550 5.1.1`: the codes of a reply. */
const codesOf = ({ text }: KnownReply): string => /^\d+(?: \d+\.\d+\.\d+)?/.exec(text)?.[0] ?? ''

/** Of each meaning one, if it can be with an enhanced code. */
function chooseExamples(replies: readonly KnownReply[]): readonly KnownReply[] {
  return ['unknown user', 'mailbox full'].flatMap((meaning) => {
    const all = replies.filter((reply) => reply.meaning === meaning)
    return all.find((reply) => codesOf(reply).includes('.')) ?? all[0] ?? []
  })
}

/** A `$reply` that catches, beside what it is for, an unknown user or a full mailbox: no other server changes that. */
export const recipientReply: LintRule = {
  code: 'recipient-reply',
  *find({ lines }) {
    for (const found of findCatches(lines)) {
      yield
      if (found === undefined) continue
      const { line, condition, caught, holdsWithout } = found
      const replies = caught.filter(isOfRecipient)
      // A line that names nothing else means them.
      if (replies.length === 0) continue
      if (replies.length === caught.length && !holdsWithout) continue
      const examples = chooseExamples(replies).map((reply) => `${codesOf(reply)} (${reply.meaning})`)
      const message = `${condition.text} also catches ${examples.join(' and ')}`
      const help = { expected: 'words that only the intended refusal has, such as $reply~=*S3140*' }
      yield { span: conditionSpan(line, condition), lineKind: 'overrides', message, help }
    }
  },
}
