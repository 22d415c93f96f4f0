/** What is watched of one connection. */
export interface Progress {
  /** Whole replies until now. */
  readonly replies: () => number
  /** Octets that have gone out. */
  readonly sent: () => number
  /** Called once, with why. */
  readonly onStuck: (message: string) => void
}

/** How long a server may take, milliseconds. */
export interface Patience {
  /** From the connection to the end of the greeting. */
  readonly greetingMs: number
  /** For each reply after that. */
  readonly replyMs: number
}

/** Seconds, where `outbound.ini` `connect_timeout` says nothing. Haraka's own default. */
const DEFAULT_TIMEOUT_SECONDS = 30
/** The patience with one reply, in Haraka's timeouts. */
const TIMEOUTS = 20

/**
 * How long a server may take, by Haraka's timeout for a silent connection (`outbound.ini` `connect_timeout`): that time for the whole
 * greeting, and 20 times as long for each reply (10 minutes by default, the most that RFC 5321 section 4.5.3.2 asks for).
 *
 * @param timeout seconds
 */
export function patienceOf(timeout: number | undefined): Patience {
  const greeting = (timeout !== undefined && timeout > 0 ? timeout : DEFAULT_TIMEOUT_SECONDS) * 1000
  return { greetingMs: greeting, replyMs: greeting * TIMEOUTS }
}

/**
 * Finds out when a connection gets nowhere. Haraka 3.3.4 (`outbound/client_pool.js`) gives up a connection that is silent; a server
 * that sends a character now and then, or one line after the other of a reply without end, would keep its message among those
 * being sent for as long as it likes. What counts is a whole reply, or part of the message gone out.
 *
 * @returns stops watching; to be called when the connection closes: a timer that outlives its connection keeps it in memory
 */
export function watchProgress(progress: Progress, patience: Patience): () => void {
  let replies = progress.replies()
  let sent = progress.sent()
  const look = () => {
    const nowReplies = progress.replies()
    const nowSent = progress.sent()
    if (nowReplies === 0 || (nowReplies === replies && nowSent === sent)) {
      const [what, time] = nowReplies === 0 ? ['greeting', patience.greetingMs] : ['reply', patience.replyMs]
      progress.onStuck(`no ${what} within ${time / 1000} s`)
      return
    }
    replies = nowReplies
    sent = nowSent
    timer = setTimeout(look, patience.replyMs).unref()
  }
  let timer = setTimeout(look, patience.greetingMs).unref()
  return () => clearTimeout(timer)
}
