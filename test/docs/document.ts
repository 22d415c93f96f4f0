import { readFileSync, writeFileSync } from 'node:fs'

/** Every page that is written for people. README comes first: it is what a stranger reads. */
export const PAGES = [
  'README.md',
  'docs/reference.md',
  'docs/operations.md',
  'docs/moving-here.md',
  'docs/providers.md',
  'docs/performance.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
] as const

/** A fenced block of a page. */
export interface Block {
  /** The first word after the fence: `ini`, `console`, ... */
  readonly language: string
  /** The other words after the fence. */
  readonly marks: readonly string[]
  readonly text: string
  /** Line of the opening fence, from 1. */
  readonly line: number
}

/** One command of a `console` block, and what it prints. */
export interface Command {
  readonly command: string
  /** The output as the page shows it; may hold ellipses. */
  readonly output: string
  /** Line of the command in the page, from 1. */
  readonly line: number
}

export interface Page {
  readonly path: string
  readonly lines: readonly string[]
  readonly blocks: readonly Block[]
}

/** Reads a page and its fenced blocks. @throws Error if a block has no end */
export function readPage(path: string): Page {
  const lines = readFileSync(path, 'utf8').split('\n')
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; at++) {
    const [, info] = /^```(.*)$/.exec(lines[at]!) ?? []
    if (info === undefined) continue
    const end = lines.indexOf('```', at + 1)
    if (end === -1) throw new Error(`${path}:${at + 1}: the block has no end`)
    const [language = '', ...marks] = info.trim().split(/\s+/)
    blocks.push({ language, marks, text: lines.slice(at + 1, end).join('\n'), line: at + 1 })
    at = end
  }
  return { path, lines, blocks }
}

/** The commands of a `console` block: a line that begins with `$ ` is one, what follows is its output. */
export function commandsOf(block: Block): readonly Command[] {
  const commands: { command: string; output: string[]; line: number }[] = []
  for (const [index, line] of block.text.split('\n').entries()) {
    if (line.startsWith('$ ')) {
      commands.push({ command: line.slice(2), output: [], line: block.line + 1 + index })
    } else {
      commands.at(-1)?.output.push(line)
    }
  }
  return commands.map(({ output, ...rest }) => ({ ...rest, output: output.join('\n').trimEnd() }))
}

const escapeRegex = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/** A line of a page as an expression: an ellipsis (…) stands for any text. */
export const patternOf = (line: string) => line.split('…').map(escapeRegex).join('.*')

/** Is that what the page shows? An ellipsis on a line of its own stands for any number of lines. */
export function isShown(output: string, shown: string): boolean {
  const lines = shown.split('\n').map((line) => (line.trim() === '…' ? '(?:.*\n)*?' : `${patternOf(line)}\n`))
  return new RegExp(`^${lines.join('')}$`).test(`${output.trimEnd()}\n`)
}

/** Should outputs be written into the pages, rather than compared? (`npm run docs:update`) */
export const UPDATE = process.env.UPDATE_DOCS === '1'

/** Writes what commands printed into their page, in place of what stands there. */
export function updatePage(path: string, outputs: ReadonlyMap<Command, string>): void {
  if (outputs.size === 0) return
  const lines = readFileSync(path, 'utf8').split('\n')
  // From the last to the first, so that the numbers of the lines stay right.
  for (const [{ line }, output] of [...outputs].toReversed()) {
    const end = lines.findIndex((text, index) => index >= line && (text === '```' || text.startsWith('$ ')))
    lines.splice(line, end - line, ...(output === '' ? [] : output.split('\n')))
  }
  writeFileSync(path, lines.join('\n'))
}
