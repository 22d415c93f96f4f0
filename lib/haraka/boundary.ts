import { DnsOverridesError } from '../model/errors'
import type { Next } from '../haraka-objects/plugin'

/** What a hook answers, and what is done just before, unless the answer comes too late. */
export interface HookAnswer {
  readonly retval: number
  readonly message?: unknown
  /** Changes to the message that belong to this answer. Not called when the answer comes too late. */
  readonly commit?: () => void
}

/** How long the work may take, and what happens if it fails. */
export interface Boundary {
  /** Milliseconds from the call to the answer. */
  readonly deadlineMs: number
  /** Answered when the work throws or takes too long. */
  readonly failure: (error: Error) => HookAnswer
  /** Called with everything that goes wrong. */
  readonly onError: (error: Error) => void
}

/** The work took too long. The program is not at fault, so the stack says nothing. */
export class LateError extends DnsOverridesError {
  constructor(deadline: number) {
    super(`no answer within ${deadline} ms`, { code: 'ETIMEOUT', temporary: true })
  }
}

/** Haraka's own timeout for a hook where its setting is 0 (none), seconds. */
const UNLIMITED_SECONDS = 30
/** The longest a hook may keep a message waiting, milliseconds. */
const LONGEST_MS = 25_000
/** The part of Haraka's timeout that is used, so that we answer before Haraka does. */
const PART = 0.8

/** Milliseconds in which a hook must answer, by Haraka's timeout for the plugin in seconds. */
export function deadlineOf(timeout: number): number {
  return Math.min((timeout > 0 ? timeout : UNLIMITED_SECONDS) * 1000 * PART, LONGEST_MS)
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

/**
 * Answers a hook with what the work results in, at once if it is there. This is the one place where a promise meets Haraka's `next`,
 * which is always called once, before the deadline. Haraka 3.3.4 (`plugins.js` `run_next_hook`) catches only what a hook throws at once; a rejected promise
 * would end the server. A result that comes after the deadline is thrown away.
 */
export function answerHook(
  next: Next,
  work: () => HookAnswer | Promise<HookAnswer>,
  boundary: Boundary,
): void {
  let answered = false
  let timer: NodeJS.Timeout | undefined

  const say = ({ retval, message }: HookAnswer) => {
    answered = true
    clearTimeout(timer)
    try {
      next(retval, message)
    } catch (error) {
      boundary.onError(asError(error))
    }
  }
  const fail = (thrown: unknown) => {
    if (answered) return
    const error = asError(thrown)
    boundary.onError(error)
    say(boundary.failure(error))
  }
  const succeed = (result: HookAnswer) => {
    if (answered) return
    try {
      result.commit?.()
    } catch (error) {
      fail(error)
      return
    }
    say(result)
  }

  let result: HookAnswer | Promise<HookAnswer>
  try {
    result = work()
  } catch (error) {
    fail(error)
    return
  }
  if (result instanceof Promise) {
    timer = setTimeout(() => fail(new LateError(boundary.deadlineMs)), boundary.deadlineMs)
    result.then(succeed, fail)
  } else succeed(result)
}
