/**
 * JSON as a command prints it. All characters but printable ASCII are escaped, so that foreign text can neither control a terminal nor
 * hide in it. A program that parses the JSON gets the original text.
 */
export function formatJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2)
  const escaped = text.replace(
    /[^\n\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `${escaped}\n`
}
