import { PluginHooks } from './lib/haraka/plugin'
import type { HarakaHttpServer } from './lib/haraka/status-http'
import type { HarakaConnection, HarakaPlugin, Next } from './lib/haraka-objects/plugin'
import type { HMailItem } from './lib/haraka-objects/outbound'

const instances = new WeakMap<HarakaPlugin, PluginHooks>()

/**
 * What Haraka copies onto its Plugin object (`plugins.js` `_get_code`): methods only, and none of the names that it has itself.
 */
const plugin: ThisType<HarakaPlugin> & Record<string, (...parameters: never[]) => void> = {
  /** Haraka calls this once for each plugin and process. @throws StartError, which stops Haraka */
  register() {
    instances.set(this, new PluginHooks(this))
    this.register_hook('mail', 'keep_auth_sender', -100)
    this.register_hook('pre_send_trans_email', 'keep_rotation_offset')
    // First of all: see mountStatus().
    this.register_hook('init_http', 'mount_status', -100)
    this.register_hook('get_mx', 'route')
    this.register_hook('get_mx', 'route_by_dns', 100)
  },

  /** Hook `mail`: the message keeps the name that its sender authenticated with. */
  keep_auth_sender(next: Next, connection: HarakaConnection) {
    instances.get(this)!.keepAuthSender(next, connection)
  },

  /** Hook `pre_send_trans_email`: the relay of `[attempts]` that the message begins with. */
  keep_rotation_offset(next: Next, connection: HarakaConnection) {
    instances.get(this)!.keepRotationOffset(next, connection)
  },

  /** Hook `init_http`: the status page. */
  mount_status(next: Next, server: HarakaHttpServer) {
    instances.get(this)!.mountStatus(next, server)
  },

  /** Hook `get_mx`: where the message goes by the rules. */
  route(next: Next, hmail: HMailItem) {
    instances.get(this)!.route(next, hmail)
  },

  /** Hook `get_mx`, after all other plugins: plain DNS. */
  route_by_dns(next: Next, hmail: HMailItem) {
    instances.get(this)!.routeByDns(next, hmail)
  },

  /** Haraka calls this when it shuts down by request. */
  shutdown() {
    instances.get(this)?.close()
  },
}

export = plugin
