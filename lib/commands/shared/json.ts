/**
 * JSON as a command prints it. All that is not printable ASCII is escaped: a stranger's text can then neither move the cursor of a
 * terminal nor hide in it, and a program reads it as it was.
 */
export function formatJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2)
  const escaped = text.replace(
    /[^\n\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `${escaped}\n`
}
