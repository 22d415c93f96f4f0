import { targetSpan } from '../places'
import type { LintRule } from './lint-rule'

const READABLE_BY_OTHERS = 0o004

/** A password in a file that every user of the machine can read. */
export const readablePassword: LintRule = {
  code: 'readable-password',
  find: ({ lines, relays, fileMode }) => {
    if (fileMode === undefined || (fileMode & READABLE_BY_OTHERS) === 0) return []
    const message = 'there is a password here, and every user of this machine can read the file'
    const help = { expected: 'chmod o-r, or password_env or password_file in a [relay:NAME]' }
    const inline = lines.flatMap((line) => {
      const { target } = line
      return target.kind === 'inline' && target.relay.credentials !== undefined
        ? [{ span: targetSpan(line), lineKind: 'overrides' as const, message, help }]
        : []
    })
    const inRelays = relays.flatMap(({ passwordSpan: span }) =>
      span === undefined ? [] : [{ span, lineKind: 'relay' as const, message, help }],
    )
    // One warning is enough: it is about the file.
    return [...inline, ...inRelays].sort((a, b) => a.span.line - b.span.line).slice(0, 1)
  },
}
