#!/usr/bin/env node
import { main } from './main'
import type { Terminal } from '../commands/shared/types'

const { env, stdout, stderr } = process

// NO_COLOR counts when it is set to anything but the empty text (https://no-color.org)
const colors = (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'

const terminal: Terminal = {
  out: (text) => void stdout.write(text),
  err: (text) => void stderr.write(text),
  color: { out: colors && stdout.isTTY, err: colors && stderr.isTTY },
  env,
  cwd: process.cwd(),
  now: Date.now,
}

// a reader that has seen enough (head, a pager) is no error
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

// not process.exit: what is still on its way into a pipe would be lost
void main(process.argv.slice(2), terminal).then((status) => {
  process.exitCode = status
})
