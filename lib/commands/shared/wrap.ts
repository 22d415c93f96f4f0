/**
 * Breaks text at spaces so that no line is longer than `width` characters; a word that is longer by itself stays whole.
 *
 * @param indent what each line begins with
 */
export function wrapText(text: string, indent: string, width: number): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  lines.push(indent + line)
  return lines.join('\n')
}
