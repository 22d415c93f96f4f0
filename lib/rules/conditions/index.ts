import { authSender } from './auth-sender'
import { dnsmx } from './dnsmx'
import { dnsmxall } from './dnsmxall'
import { from } from './from'
import type { ConditionKind } from './kind'
import { retries } from './retries'
import { size } from './size'

/** Every kind of condition that a line may have, by name. */
export const CONDITIONS: ReadonlyMap<string, ConditionKind> = new Map(
  [retries, size, authSender, from, dnsmx, dnsmxall].map((kind) => [kind.name, Object.freeze(kind)]),
)
