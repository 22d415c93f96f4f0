/** The settings before the first section, as haraka-config reads an .ini file (`readers/ini.js`). */
export function readMainSettings(text: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>()
  let main = true
  let pending = ''
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (/^\s*(?:[;#].*)?$/.test(line)) continue
    const section = /^\s*\[([^\]]*)\]\s*$/.exec(line)
    if (section) {
      main = section[1]!.trim() === 'main'
      continue
    }
    if (/\\[ \t]*$/.test(line)) {
      pending += line.replace(/\\[ \t]*$/, '')
      continue
    }
    const setting = /^\s*([\w@:._+\-/[\]]+)\s*(?:=\s*(.*?)\s*)?$/.exec(pending + line)
    pending = ''
    if (main && setting) settings.set(setting[1]!, setting[2] ?? '')
  }
  return settings
}
