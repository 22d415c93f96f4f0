import { NOTES_KEY, hashLine, readNotes } from '../haraka-files/notes'
import type { Decision } from '../model/decision'
import type { Message } from '../model/message'
import { messageTo } from '../rules/recipient-groups'
import type { AftermathServices } from './delivery/aftermath'
import type { Judgement } from './delivery/fates'
import { isRefusal, type Setback } from './delivery/setback'
import { replyAfter, replyLinesOf, type MessageMemory } from './message-memory'
import type { HookRunner } from './server-details'
import type { HMailItem } from '../haraka-objects/outbound'
import type { Loggable } from '../haraka-objects/plugin'

/** One attempt, and the parts of the plugin that take part in its end. */
export interface EndedAttempt {
  readonly hmail: HMailItem
  readonly message: Message
  readonly decision: Decision
  readonly memory: MessageMemory
  /** What the rules in force say of a message now. */
  readonly decide: (message: Message) => Promise<Decision>
  readonly runner: HookRunner
  readonly log: Loggable
  /** Called with the lines that save a recipient from a bounce, as written. */
  readonly onRescue: (lines: readonly string[]) => void
}

/** What the aftermath of one attempt needs of the rest of the plugin. */
export function createAftermathServices(ended: EndedAttempt): AftermathServices {
  const { hmail, message, decision, memory, decide, runner, log, onRescue } = ended
  const sentBy = replyLinesOf(decision)
  return {
    judge: async (setback, place) => {
      const notes = readNotes(hmail.todo.notes[NOTES_KEY])
      const next = await decide({
        ...messageTo(message, [place]),
        retries: message.retries + 1,
        reply: replyAfter(notes, setback, sentBy),
        failed: setback.failed,
      })
      return judgementOf(next, setback, notes.rescued)
    },
    keep: (attempt) => {
      onRescue(attempt.rescuedBy)
      return memory.keep(hmail, attempt, sentBy, log)
    },
    lend: (attempt, work) => {
      onRescue(attempt.rescuedBy)
      memory.lend(hmail, attempt, sentBy, work)
    },
    runHooks: (hook, item, parameters) => runner.run_hooks(hook, item, parameters),
    log,
  }
}

/**
 * A line rescues a message once: if the server that it leads to refuses too, its reply stands.
 *
 * @param rescued hashes of the lines that have rescued the message
 */
function judgementOf({ onRefusal }: Decision, setback: Setback, rescued: readonly string[]): Judgement {
  const { replyLines = [], againMs } = onRefusal ?? {}
  const isRefused = isRefusal(setback)
  return {
    rescuedBy: replyLines
      .map(({ text }) => text)
      .filter((text) => isRefused && !rescued.includes(hashLine(text))),
    goesBy: `${replyLines.map(({ line }) => line).join(',')} ${againMs ?? ''}`,
    ...(againMs === undefined ? {} : { againSeconds: againMs / 1000 }),
  }
}
