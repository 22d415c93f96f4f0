import { Seam } from './lib/haraka/seam'
import type { HarakaConnection, HarakaPlugin, HMailItem, Next } from './lib/haraka/types'

// Haraka copies every export onto its Plugin object: functions only, and none of its own names.

const seams = new WeakMap<HarakaPlugin, Seam>()

/** Haraka calls this once for each plugin and process. @throws ConfigurationError, which stops Haraka */
export function register(this: HarakaPlugin): void {
  seams.set(this, new Seam(this))
  this.register_hook('mail', 'keep_auth_sender', -100)
  this.register_hook('pre_send_trans_email', 'keep_turn')
  this.register_hook('get_mx', 'route')
}

/** Hook `mail`: who handed the message in stays with it. */
export function keep_auth_sender(this: HarakaPlugin, next: Next, connection: HarakaConnection): void {
  seams.get(this)!.keepAuthSender(next, connection)
}

/** Hook `pre_send_trans_email`: the message's place in the taking of turns between relays. */
export function keep_turn(this: HarakaPlugin, next: Next, connection: HarakaConnection): void {
  seams.get(this)!.keepTurn(next, connection)
}

/** Hook `get_mx`: where the message goes. */
export function route(this: HarakaPlugin, next: Next, hmail: HMailItem): void {
  seams.get(this)!.route(next, hmail)
}

/** Haraka calls this when it shuts down by request. */
export function shutdown(this: HarakaPlugin): void {
  seams.get(this)?.close()
}
