/** The names in Haraka's `config/plugins`, in the order in which they are loaded (Haraka `plugins.js` `load_plugins`). */
export function parsePluginList(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^[#;]/.test(line))
}

/** Is it this plugin, by the name that Haraka uses or by that of the package? */
export const isOwnName = (name: string): boolean => /^(?:haraka-plugin-)?dns-overrides$/.test(name)
