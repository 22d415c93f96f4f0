import { setTimeout as sleep } from 'node:timers/promises'
import { displayWidth } from '../../source/display-width'
import { formatCount, formatTime } from '../../status/wording'
import { EXIT } from './exit-status'
import type { Terminal } from './terminal'

const INTERVAL_MS = 1_000

/** Control sequences of ECMA-48 and xterm. */
const SCREEN = {
  /** The other screen, without cursor: what was there before comes back at the end. */
  open: '\u001b[?1049h\u001b[?25l',
  close: '\u001b[?25h\u001b[?1049l',
  top: '\u001b[H',
  clearLine: '\u001b[K',
  clearBelow: '\u001b[J',
} as const

/** What `paint` puts around a text. */
const MARKS = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')

export interface WatchOptions {
  /** Is the screen redrawn, if there is one? */
  readonly draws: boolean
}

/**
 * Shows a text again and again, until Ctrl-C: a screen is redrawn, elsewhere each change is printed below the last one.
 * Keeps only the last text.
 *
 * @param look gives the text as it is now
 * @returns the exit status
 */
export async function watchText(
  look: () => string | Promise<string>,
  terminal: Terminal,
  { draws }: WatchOptions,
): Promise<number> {
  const { out } = terminal
  const signal = terminal.interruption()
  const isScreen = draws && terminal.rows !== undefined
  let shown = ''
  if (isScreen) out(SCREEN.open)
  try {
    while (!signal.aborted) {
      const text = await look()
      if (isScreen) out(drawScreen(text, terminal))
      else if (text !== shown) out(`${shown === '' ? '' : '\n'}${text}`)
      shown = text
      await sleep(INTERVAL_MS, undefined, { signal }).catch(() => undefined)
    }
  } finally {
    if (isScreen) out(SCREEN.close)
  }
  return EXIT.ok
}

/** As much of a text as fits on the screen, over what is there. */
function drawScreen(
  text: string,
  { rows = Infinity, columns, now }: Pick<Terminal, 'rows' | 'columns' | 'now'>,
): string {
  const lines = [`${formatTime(now())}  (Ctrl-C ends)`, '', ...text.trimEnd().split('\n')]
  const shown: string[] = []
  let left = rows - 1
  for (const line of lines) {
    left -= Math.max(1, Math.ceil(displayWidth(line.replace(MARKS, '')) / columns))
    if (left < 0) break
    shown.push(line)
  }
  const hidden = lines.length - shown.length
  if (hidden > 0) shown.push(`(${formatCount(hidden, 'line')} more)`)
  return `${SCREEN.top}${shown.map((line) => `${line}${SCREEN.clearLine}`).join('\n')}${SCREEN.clearBelow}`
}
