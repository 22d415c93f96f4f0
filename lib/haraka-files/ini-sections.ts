/** An .ini file by section and key, as haraka-config reads it (`readers/ini.js`); what stands before the first header is `main`. */
export function readIniSections(text: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const sections = new Map<string, Map<string, string>>()
  const open = (name: string) => {
    const known = sections.get(name) ?? new Map<string, string>()
    sections.set(name, known)
    return known
  }
  let current = open('main')
  let pending = ''
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (/^\s*(?:[;#].*)?$/.test(line)) continue
    const section = /^\s*\[([^\]]*)\]\s*$/.exec(line)
    if (section) {
      current = open(section[1]!.trim())
      continue
    }
    if (/\\[ \t]*$/.test(line)) {
      pending += line.replace(/\\[ \t]*$/, '')
      continue
    }
    const setting = /^\s*([\w@:._+\-/[\]]+)\s*(?:=\s*(.*?)\s*)?$/.exec(pending + line)
    pending = ''
    if (setting) current.set(setting[1]!, setting[2] ?? '')
  }
  return sections
}

/** The settings before the first section. */
export const readMainSettings = (text: string): ReadonlyMap<string, string> =>
  readIniSections(text).get('main')!
