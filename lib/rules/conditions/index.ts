import { age } from './age'
import { authSender } from './auth-sender'
import { dnsmx } from './dnsmx'
import { dnsmxall } from './dnsmxall'
import { failed } from './failed'
import { from } from './from'
import type { Condition } from './condition'
import type { ConditionKind } from './condition-kind'
import { rcpt } from './rcpt'
import { reply } from './reply'
import { retries } from './retries'
import { size } from './size'

/** Every kind of condition that a line may have, by name. */
export const CONDITIONS: ReadonlyMap<string, ConditionKind<Condition>> = new Map(
  [retries, size, authSender, from, rcpt, age, reply, failed, dnsmx, dnsmxall].map(
    (kind: ConditionKind<Condition>) => [kind.name, Object.freeze(kind)] as const,
  ),
)
