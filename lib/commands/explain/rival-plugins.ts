import { join } from 'node:path'
import { isOwnName, parsePluginList } from '../../haraka-files/plugin-list'
import { readRegularFile } from '../../files/read-file'
import type { Location } from '../shared/location'

/**
 * Plugins that come with Haraka and have a hook for `get_mx`: they may be where this program cannot find them. (Haraka 3.3
 * `plugins/queue`, and its optional dependencies.)
 */
const SHIPPED_RIVALS: readonly string[] = [
  'queue/lmtp',
  'queue/smtp_bridge',
  'queue/smtp_forward',
  'qmail-deliverable',
  'relay',
]

/** How a plugin's source registers a hook (Haraka `plugins.js` `register_hook`, `hook_NAME`). */
const HOOK = /\bhook_(?:get_mx|server_details)\b|register_hook\(\s*['"`](?:get_mx|server_details)['"`]/

/** Bytes. */
const LONGEST_SOURCE = 4 * 1024 * 1024

function readText(path: string): string | undefined {
  try {
    return readRegularFile(path, LONGEST_SOURCE).bytes.toString('utf8')
  } catch {
    return undefined
  }
}

/** The source of a plugin in the places of the Haraka folder where Haraka looks for it (Haraka `plugins.js`). */
function readSource(harakaFolder: string, name: string): string | undefined {
  const places = [
    ['plugins', `${name}.js`],
    ['plugins', name, 'index.js'],
    ['node_modules', `haraka-plugin-${name}`, 'index.js'],
    ['node_modules', name, 'index.js'],
  ]
  for (const place of places) {
    const text = readText(join(harakaFolder, ...place))
    if (text !== undefined) return text
  }
  return undefined
}

/**
 * The other plugins in `config/plugins` that may change where a message goes: those with a hook for `get_mx` or
 * `server_details`, in the order of the file. Empty if the file cannot be read.
 */
export function findRivalPlugins({ configFolder, harakaFolder }: Location): readonly string[] {
  return parsePluginList(readText(join(configFolder, 'plugins')) ?? '')
    .filter((line) => !isOwnName(line))
    .filter((line) => {
      const name = line.replace(/^haraka-plugin-/, '')
      const source = readSource(harakaFolder, name)
      return source === undefined ? SHIPPED_RIVALS.includes(name) : HOOK.test(source)
    })
}
