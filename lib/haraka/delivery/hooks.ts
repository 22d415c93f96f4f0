import { patch } from '../../haraka-objects/patch'
import type { HarakaMxLike, OutboundItem, QueuedRecipient } from '../../haraka-objects/outbound'
import type { HarakaSocket } from '../../haraka-objects/socket'

/** What is done at each step that Haraka takes with one message, from the answer to `get_mx` to the end of its attempt. */
export interface AttemptHandler {
  /** Before each connection, and when none is left to make. `next`: Haraka's own. */
  tryDeliver(next: () => unknown): unknown
  /** After Haraka's check of `local_mx_ok`, before it connects. */
  forceTls(mx: HarakaMxLike, forcedByHaraka: () => boolean): boolean
  /** The connection is made. `begin`: Haraka's own. */
  guard(mx: HarakaMxLike, socket: HarakaSocket, begin: () => void): void
  /** Anything that is about to be logged of the conversation. */
  redact(parameter: unknown): unknown
  /** The message was taken; parameters as `delivered` has them, to be changed in place. */
  handleDelivered(parameters: unknown[]): void
  /** The message is deferred. */
  defer(reason: unknown, extra: unknown, haraka: EndMethods): void
  /** The message is to be bounced. */
  bounce(reason: unknown, extra: unknown, haraka: EndMethods): void
  /** Some recipients go on in a message of their own. */
  split(
    recipients: readonly QueuedRecipient[],
    response: string,
    done: (hmail: OutboundItem) => void,
    haraka: EndMethods,
  ): void
  /** However the attempt ended. */
  end(): void
}

/** Haraka's own methods that end the attempt of one message. */
export type EndMethods = Pick<OutboundItem, 'bounce' | 'temp_fail' | 'split_to_new_recipients'>

/** The methods that an attempt is watched by. */
export const WATCHED_METHODS = [
  'try_deliver',
  'get_force_tls',
  'try_deliver_host_on_socket',
  'logprotocol',
  'delivered',
  'temp_fail',
  'bounce',
  'split_to_new_recipients',
] as const

type Methods = Pick<OutboundItem, (typeof WATCHED_METHODS)[number]>

/** The property of a message that holds the handler of its attempt. A WeakMap would cost 25 us a message in garbage collection. */
const HANDLER = Symbol('dns_overrides: handler of the attempt')

type WatchedItem = OutboundItem & { [HANDLER]?: AttemptHandler | undefined }

/**
 * Haraka 3.3.4 (`outbound/hmail.js`) has no hook between `get_mx` and the end of an attempt. It calls `this.try_deliver()`,
 * `self.temp_fail()` and so on: so for as long as an attempt lasts the message gets another prototype, in front of its own, with
 * these methods. All messages share that prototype; the handler is a property of the message.
 */
export class DeliveryHooks {
  /** The prototypes that have been made, by the one that each stands in front of. */
  readonly #prototypes = new WeakMap<object, object>()

  /** Watches one attempt. To be called just before `get_mx` is answered. */
  install(hmail: WatchedItem, handler: AttemptHandler): void {
    const base = Object.getPrototypeOf(hmail) as Methods
    const methods = this.#methods(base)
    hmail[HANDLER] = handler
    // Properties that Haraka 3.3.4 (outbound/hmail.js) would add in the attempt. V8 gives an object a hidden class of its own if one is
    // added after its prototype was changed: 700 bytes a message, and code that meets no class twice is slow.
    hmail.mxlist ??= []
    hmail.force_tls ??= false
    const undo = this.#patchOwn(hmail)
    Object.setPrototypeOf(hmail, methods)
    // Queue (outbound/queue.js) sets it anew for each attempt.
    const next = hmail.next_cb
    const end = () => {
      for (const each of undo) each()
      if (Object.getPrototypeOf(hmail) === methods) Object.setPrototypeOf(hmail, base)
      hmail[HANDLER] = undefined
      if (hmail.next_cb === end) hmail.next_cb = next
      handler.end()
      next.call(hmail)
    }
    hmail.next_cb = end
  }

  #methods(base: Methods): object {
    const known = this.#prototypes.get(base)
    if (known !== undefined) return known
    const methods = Object.assign(Object.create(base) as object, this.#wrap(base))
    this.#prototypes.set(base, methods)
    return methods
  }

  /** Another plugin may have put methods of its own on this message, which come before those of any prototype. */
  #patchOwn(hmail: OutboundItem): (() => void)[] {
    const own = WATCHED_METHODS.filter((name) => Object.hasOwn(hmail, name))
    if (own.length === 0) return []
    const wrapped = this.#wrap(
      Object.fromEntries(WATCHED_METHODS.map((name) => [name, hmail[name]])) as unknown as Methods,
    )
    return own.map((name) => patch<Methods, typeof name>(hmail, name, () => wrapped[name]))
  }

  /** Without a handler (the attempt is over, and another plugin's wrapper still calls) each does what the inner method does. */
  #wrap(inner: Methods): Methods {
    const handlerOf = (hmail: WatchedItem) => hmail[HANDLER]
    const bind = (hmail: OutboundItem): EndMethods => ({
      temp_fail: (reason, extra) => inner.temp_fail.call(hmail, reason, extra),
      bounce: (reason, extra) => inner.bounce.call(hmail, reason, extra),
      split_to_new_recipients: (recipients, response, done) =>
        inner.split_to_new_recipients.call(hmail, recipients, response, done),
    })
    return {
      try_deliver(this: OutboundItem) {
        const next = () => inner.try_deliver.call(this)
        const handler = handlerOf(this)
        return handler === undefined ? next() : handler.tryDeliver(next)
      },
      get_force_tls(this: OutboundItem, mx) {
        const forced = () => inner.get_force_tls.call(this, mx)
        return handlerOf(this)?.forceTls(mx, forced) ?? forced()
      },
      try_deliver_host_on_socket(this: OutboundItem, mx, host, port, socket) {
        const begin = () => void inner.try_deliver_host_on_socket.call(this, mx, host, port, socket)
        const handler = handlerOf(this)
        return handler === undefined ? begin() : handler.guard(mx, socket, begin)
      },
      logprotocol(this: OutboundItem, ...parameters) {
        const handler = handlerOf(this)
        // In place: Haraka calls this for every line, whether it is logged or not.
        if (handler !== undefined) {
          for (let i = 0; i < parameters.length; i++) parameters[i] = handler.redact(parameters[i])
        }
        inner.logprotocol.apply(this, parameters)
      },
      delivered(this: OutboundItem, ...parameters) {
        handlerOf(this)?.handleDelivered(parameters)
        return inner.delivered.apply(this, parameters)
      },
      temp_fail(this: OutboundItem, reason, extra) {
        const handler = handlerOf(this)
        return handler === undefined
          ? inner.temp_fail.call(this, reason, extra)
          : handler.defer(reason, extra, bind(this))
      },
      bounce(this: OutboundItem, reason, extra) {
        const handler = handlerOf(this)
        return handler === undefined
          ? inner.bounce.call(this, reason, extra)
          : handler.bounce(reason, extra, bind(this))
      },
      split_to_new_recipients(this: OutboundItem, recipients, response, done) {
        const handler = handlerOf(this)
        return handler === undefined
          ? inner.split_to_new_recipients.call(this, recipients, response, done)
          : handler.split(recipients, response, done, bind(this))
      },
    }
  }
}
