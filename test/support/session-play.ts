import assert from 'node:assert/strict'
import { Secret } from '../../lib/model/secret'
import { Session } from '../../lib/smtp/session'
import type { Encryption, SessionOptions } from '../../lib/smtp/session-types'

export const CLEAR: Encryption = { encrypted: false, verified: false }
export const SECURE: Encryption = { encrypted: true, verified: true }
export const UNVERIFIED: Encryption = { encrypted: true, verified: false }

export const credentials = { user: 'fred', password: new Secret('s3same-open') }

/** A session with a relay, before its first line. */
export function makeSession(more: Partial<SessionOptions> = {}): Session {
  const { implicitTls = false } = more
  const made = new Session({
    tls: 'opportunistic',
    implicitTls,
    lmtp: false,
    isRelay: true,
    allowPlaintextAuth: false,
    nextMx: 'connection',
    recipients: 1,
    ...more,
  })
  if (implicitTls) made.noteTlsStarted()
  return made
}

/** One line of a conversation, sent (`C: `) or received (`S: `), and what it becomes if it is not passed on unchanged. */
export type Line = readonly [text: string, becomes?: string]

/** Plays a conversation in which TLS begins after the answer to STARTTLS. @returns what the last line became */
export function play(
  conversation: Session,
  lines: readonly Line[],
  channel = CLEAR,
  upgraded = SECURE,
): string {
  let current = channel
  let upgrading = false
  let last = ''
  for (const [text, becomes] of lines) {
    const line = text.slice(3)
    if (text.startsWith('C: ')) {
      if (upgrading) {
        conversation.noteTlsStarted()
        current = upgraded
        upgrading = false
      }
      upgrading = line === 'STARTTLS'
      last = conversation.send(`${line}\r\n`, current)?.message ?? line
    } else {
      const verdict = conversation.receive(`${line}\r\n`, !line.endsWith('+'), current)
      last =
        verdict.kind === 'fail'
          ? verdict.failure.message
          : verdict.kind === 'pass'
            ? verdict.line.trimEnd()
            : 'dropped'
    }
    if (becomes !== undefined) assert.equal(last, becomes)
    else if (text !== lines.at(-1)?.[0]) assert.equal(last, line)
  }
  return last
}

/** The lines of a conversation up to EHLO. */
export const HELLO: readonly Line[] = [['S: 220 x'], ['C: EHLO me']]

/** The lines of a conversation up to MAIL. */
export const ENVELOPE: readonly Line[] = [...HELLO, ['S: 250 x'], ['C: MAIL FROM:<>']]
