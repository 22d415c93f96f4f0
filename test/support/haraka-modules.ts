import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HarakaMxClass } from '../../lib/haraka/haraka-mx'
import type { HookRunner } from '../../lib/haraka/server-details'
import type { HMailItem, OutboundConfig } from '../../lib/haraka-objects/outbound'

/** An item of the queue as Haraka's class makes it, with what the tests look at beside. */
export interface RealHMail extends HMailItem {
  readonly filename: string
  path: string
  get_mx_respond(retval: number, message?: unknown): Promise<unknown>
  once(event: 'ready', listener: () => void): unknown
}

export interface HarakaModules {
  readonly folder: string
  readonly HarakaMx: HarakaMxClass
  readonly netUtils: {
    is_local_host(host: string): Promise<boolean>
    resolve_mx_hosts(list: readonly object[]): Promise<object[]>
  }
  readonly plugins: HookRunner & {
    registered_hooks: Record<string, unknown[]>
    registered_plugins: Record<string, object>
  }
  readonly config: OutboundConfig
  readonly logger: { loglevel: number; log: (level: string, data: string) => boolean }
  /** A queue file of Haraka's form, and the item that Haraka makes of it. */
  queued(todo: Readonly<Record<string, unknown>>, message: string, attempts?: number): Promise<RealHMail>
  /** `outbound.send_trans_email` and the like. */
  readonly outbound: Record<string, (...parameters: unknown[]) => unknown>
  close(): void
}

/**
 * Haraka's own modules in this process, on a folder of its own: for what a test must see from inside. Only one for each process;
 * everything else is tested against a Haraka in a process of its own.
 */
export function loadHaraka(files: Readonly<Record<string, string>> = {}): HarakaModules {
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-modules-'))
  mkdirSync(join(folder, 'config'))
  mkdirSync(join(folder, 'queue'))
  for (const [name, text] of Object.entries({ loglevel: 'EMERG', me: 'haraka.example', ...files })) {
    writeFileSync(join(folder, 'config', name), text)
  }
  process.env.HARAKA = folder
  const load = (name: string) => require(`haraka/${name}`) as unknown
  const outbound = load('outbound') as HarakaModules['outbound'] & {
    net_utils: HarakaModules['netUtils'] & { HarakaMx: HarakaMxClass }
    temp_fail_queue: { shutdown(): void }
    qfile: { name(parts: object): string }
    HMailItem: new (name: string, path: string) => RealHMail
  }
  const plugins = load('plugins') as HarakaModules['plugins'] & { server: unknown }
  return {
    folder,
    HarakaMx: outbound.net_utils.HarakaMx,
    netUtils: outbound.net_utils,
    plugins,
    config: load('outbound/config') as OutboundConfig,
    logger: load('logger') as HarakaModules['logger'],
    outbound,
    queued(todo, message, attempts = 0) {
      const header = Buffer.from(`\n${JSON.stringify(todo)}\n`)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(header.length)
      const name = outbound.qfile.name({ attempts })
      const path = join(folder, 'queue', name)
      writeFileSync(path, Buffer.concat([length, header, Buffer.from(message)]))
      const hmail = new outbound.HMailItem(name, path)
      return new Promise((resolve) => hmail.once('ready', () => resolve(hmail)))
    },
    close() {
      outbound.temp_fail_queue.shutdown()
      // Else the removal of the folder is a change that haraka-config waits five seconds to tell of.
      const config = require('haraka-config') as { stop_watching(name: string): void }
      config.stop_watching('me')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
