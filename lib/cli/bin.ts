#!/usr/bin/env node
import { EXIT } from '../commands/shared/exit-status'
import type { Terminal } from '../commands/shared/terminal'
import { PROGRAM } from './help'
import { main } from './main'

const { env, stdout } = process

// NO_COLOR counts if it is set and not empty (https://no-color.org).
const colors = (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'

const interruption = new AbortController()

/** Opened when it is first needed: that takes Node several milliseconds. */
function openStderr(): NodeJS.WriteStream {
  const { stderr } = process
  // If it fails, there is no way to report it.
  if (stderr.listenerCount('error') === 0) stderr.on('error', () => undefined)
  return stderr
}

const terminal: Terminal = {
  out: (text) => void stdout.write(text),
  err: (text) => void openStderr().write(text),
  // Most commands read nothing: to open the stream takes Node several milliseconds.
  input: () =>
    (require('node:stream/consumers') as typeof import('node:stream/consumers')).buffer(process.stdin),
  color: {
    out: colors && stdout.isTTY,
    get err() {
      return colors && openStderr().isTTY
    },
  },
  // A window may be resized meanwhile.
  get columns() {
    // A terminal that does not know its size, such as a serial console, reports 0.
    return stdout.columns || 80
  },
  get rows() {
    return stdout.isTTY && env.TERM !== 'dumb' ? stdout.rows : undefined
  },
  interruption: () => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => interruption.abort())
    return interruption.signal
  },
  env,
  cwd: process.cwd(),
  now: Date.now,
}

let outputFailed = false

stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  interruption.abort()
  // It is not an error if the reader stops early (head, a pager).
  if (code === 'EPIPE' || outputFailed) return
  outputFailed = true
  process.exitCode = EXIT.output
  openStderr().write(`${PROGRAM}: the output could not be written: ${message}\n`)
})

// Not process.exit: output that is still on its way into a pipe would be lost.
void main(process.argv.slice(2), terminal).then((status) => {
  process.exitCode = outputFailed ? EXIT.output : status
})
