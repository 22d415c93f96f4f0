import { authSender } from './auth-sender'
import { dnsmx } from './dnsmx'
import { dnsmxall } from './dnsmxall'
import { from } from './from'
import type { Condition } from './condition'
import type { ConditionKind } from './kind'
import { reply } from './reply'
import { retries } from './retries'
import { size } from './size'

/** Every kind of condition that a line may have, by name. */
export const CONDITIONS: ReadonlyMap<string, ConditionKind<Condition>> = new Map(
  [retries, size, authSender, from, reply, dnsmx, dnsmxall].map(
    (kind: ConditionKind<Condition>) => [kind.name, Object.freeze(kind)] as const,
  ),
)
