import type { HarakaMxLike } from '../../haraka-objects/outbound'
import type { Candidate } from './attempt-types'

/** One element of the answer to `get_mx`, and the exchange that it is an address of. */
export interface PlannedExchange extends Candidate {
  readonly mx: HarakaMxLike
}
