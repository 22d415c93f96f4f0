import { LimitArbiter, type LimitArbiterOptions } from './limit-arbiter'
import type { LimitAnswer, LimitRefusal, Limits, LimitService } from './limit-types'

/** For the only process of a server: it counts for itself, and answers at once unless other servers share the limits. */
export class LocalLimits implements LimitService {
  readonly arbiter: LimitArbiter<'here'>
  #take: (key: string, place: number) => void = () => {}

  constructor(options: Omit<LimitArbiterOptions<'here'>, 'offer'>) {
    this.arbiter = new LimitArbiter({ ...options, offer: (_here, key, place) => this.#take(key, place) })
  }

  know(limits: readonly Limits[]): void {
    this.arbiter.know(limits)
  }

  look(limits: Limits): LimitRefusal | undefined {
    return this.arbiter.look(limits)
  }

  ask(limits: Limits): LimitAnswer | Promise<LimitAnswer> {
    return this.arbiter.request('here', limits)
  }

  giveBack(place: number, sent: boolean): void {
    this.arbiter.giveBack('here', place, sent)
  }

  wait(limits: Limits): void {
    this.arbiter.wait('here', limits)
  }

  onOffer(take: (key: string, place: number) => void): void {
    this.#take = take
  }

  /** Haraka still finishes the messages that it has begun, and they count: there is nothing to end before the process ends. */
  close(): void {}
}
