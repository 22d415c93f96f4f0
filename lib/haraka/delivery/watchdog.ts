import type { HarakaSocket } from './types'

/** The patience with one reply, in Haraka's timeouts for a silent connection (`outbound.ini` `connect_timeout`, 30 s). */
const TIMEOUTS = 20
const DEFAULT_TIMEOUT = 30

const LINE_FEED = 10
/** The last line of a reply, as far as it is looked at (RFC 5321 section 4.2.1). */
const LAST_LINE = /^\d{3} /

/** Milliseconds that a server may take for a whole reply: RFC 5321 section 4.5.3.2 asks for no more than ten minutes. */
export function replyPatience(timeout: number | undefined): number {
  return (timeout !== undefined && timeout > 0 ? timeout : DEFAULT_TIMEOUT) * TIMEOUTS * 1000
}

/**
 * Ends a connection that gets nowhere. Haraka 3.3.4 (`outbound/client_pool.js`) gives up a connection that is silent; one that says
 * a letter now and then, or one line after the other of a reply without end, would keep its message among those being sent for as
 * long as it likes. What counts is a whole reply, or part of the message gone out.
 */
export function watchProgress(socket: HarakaSocket, patience: number): void {
  let replied = false
  let line = ''
  let sent = sentBytes(socket)
  socket.on('data', (data: Uint8Array) => {
    for (const octet of data) {
      if (octet !== LINE_FEED) {
        if (line.length < 4) line += String.fromCharCode(octet)
        continue
      }
      if (LAST_LINE.test(line)) replied = true
      line = ''
    }
  })
  const look = () => {
    if (socket.targetsocket.destroyed === true) return
    const now = sentBytes(socket)
    if (replied || now !== sent) {
      replied = false
      sent = now
      setTimeout(look, patience).unref()
      return
    }
    // As Haraka does for its own timeout; without a listener the connection is given up already.
    if (socket.listenerCount('error') > 0) socket.emit('error', `no reply within ${patience / 1000} s`)
  }
  setTimeout(look, patience).unref()
}

function sentBytes({ targetsocket }: HarakaSocket): number {
  return (targetsocket.bytesWritten ?? 0) - (targetsocket.writableLength ?? 0)
}
