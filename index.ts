import { Seam } from './lib/haraka/plugin'
import type { HarakaConnection, HarakaPlugin, HMailItem, Next } from './lib/haraka/types'

const seams = new WeakMap<HarakaPlugin, Seam>()

/**
 * What Haraka copies onto its Plugin object (`plugins.js` `_get_code`): methods only, and none of the names that it has itself.
 */
const plugin: ThisType<HarakaPlugin> & Record<string, (...parameters: never[]) => void> = {
  /** Haraka calls this once for each plugin and process. @throws ConfigurationError, which stops Haraka */
  register() {
    seams.set(this, new Seam(this))
    this.register_hook('mail', 'keep_auth_sender', -100)
    this.register_hook('pre_send_trans_email', 'keep_turn')
    this.register_hook('get_mx', 'route')
    this.register_hook('get_mx', 'route_by_dns', 100)
  },

  /** Hook `mail`: who handed the message in stays with it. */
  keep_auth_sender(next: Next, connection: HarakaConnection) {
    seams.get(this)!.keepAuthSender(next, connection)
  },

  /** Hook `pre_send_trans_email`: the message's place in the taking of turns between relays. */
  keep_turn(next: Next, connection: HarakaConnection) {
    seams.get(this)!.keepRotationOffset(next, connection)
  },

  /** Hook `get_mx`: where the message goes by the rules. */
  route(next: Next, hmail: HMailItem) {
    seams.get(this)!.route(next, hmail)
  },

  /** Hook `get_mx`, after all other plugins: plain DNS. */
  route_by_dns(next: Next, hmail: HMailItem) {
    seams.get(this)!.routeByDns(next, hmail)
  },

  /** Haraka calls this when it shuts down by request. */
  shutdown() {
    seams.get(this)?.close()
  },
}

export = plugin
