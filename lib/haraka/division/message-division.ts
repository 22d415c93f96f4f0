import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { copyQueueFile } from '../../haraka-files/queue-header'
import {
  commitDivision,
  createDivisionFolder,
  endDivision,
  moveParts,
  syncFolder,
  undoDivision,
  type DivisionFolder,
} from '../../haraka-files/division-folder'
import { NOTES_KEY } from '../../haraka-files/notes'
import type { RecipientGroup } from '../../rules/recipient-groups'
import type { HookAnswer } from '../boundary'
import { reportFields } from '../delivery/report-fields'
import { putOff } from '../delivery/requeue'
import type { HarakaModules } from '../haraka-modules'
import { replaceNextCall } from '../../haraka-objects/patch'
import type { HMailItem } from '../../haraka-objects/outbound'
import { type Loggable, RETVAL } from '../../haraka-objects/plugin'

/** What the division of one message works with. */
export interface DivisionServices {
  readonly haraka: HarakaModules
  /** Our notes as the file of a part has them, which is named for as many attempts as the message. */
  readonly notes: () => Record<string, unknown>
  /** Called when the message has to wait, with why. */
  readonly onWait: (reason: string, seconds: number) => void
  /** For lines about this message. */
  readonly log: Loggable
}

/** A part on its way into the queue. */
interface Part {
  readonly name: string
  readonly group: RecipientGroup
}

/** Milliseconds until parts are moved again that could not be: the disk has room again some day. */
const RETRY_MS = 10_000

/**
 * The answer to `get_mx` for a message that is to be divided. Haraka 3.3.4 (`outbound/hmail.js` `get_mx_respond`) calls `found_mx` with
 * it, and for this once that is the division: it may take as long as it needs, which a hook may not.
 */
export function answerWithDivision(
  hmail: HMailItem,
  groups: readonly RecipientGroup[],
  services: DivisionServices,
): HookAnswer {
  const start = () => {
    divide(hmail, groups, services).catch((error: unknown) => {
      services.log.logerror(`the message could not be divided: ${messageOf(error)}`)
      hmail.next_cb()
    })
  }
  const commit = () => replaceNextCall(hmail, 'found_mx', start)
  return { retval: RETVAL.ok, message: [], commit }
}

/**
 * Divides a message among its recipients: each group goes on in a message of its own, with the same data, all notes, attempts and times.
 * The message itself is then over. The format says what is safe against what (`haraka-files/division-folder.ts`).
 *
 * What goes wrong before the parts count puts the message off, and never counts as an attempt: no server can be blamed for it but this
 * machine.
 */
async function divide(
  hmail: HMailItem,
  groups: readonly RecipientGroup[],
  services: DivisionServices,
): Promise<void> {
  const { haraka, log } = services
  let folder: DivisionFolder | undefined
  const parts = groups.map((group): Part => ({ name: haraka.nameLike(hmail), group }))
  try {
    folder = createDivisionFolder(haraka.queueFolder, process.pid, parts[0]!.name)
    await writeParts(hmail, parts, folder, services)
    commitDivision(folder, hmail.path)
  } catch (error) {
    discard(folder, log)
    giveUp(hmail, messageOf(error), services)
    return
  }
  log.loginfo(`divided by $rcpt into ${parts.length} messages: ${describe(hmail, parts)}`)
  moveOn(hmail, parts, folder, services)
  hmail.next_cb()
}

/** Without its file there is no message: somebody has removed it, or Haraka was made to send it twice at once (`--qunstick DOMAIN`). */
function giveUp(hmail: HMailItem, why: string, { log, onWait }: DivisionServices): void {
  if (existsSync(hmail.path)) {
    const reason = `its recipients go different ways, and it cannot be divided: ${why}`
    putOff(hmail, { reason, log, onWait: (seconds) => onWait(reason, seconds) })
  } else {
    log.logerror('not divided: its file is no longer in the queue')
    hmail.next_cb()
  }
}

async function writeParts(
  hmail: HMailItem,
  parts: readonly Part[],
  { path, queue }: DivisionFolder,
  { notes }: DivisionServices,
): Promise<void> {
  // As Haraka 3.3.4 does (outbound/hmail.js split_to_new_recipients): what is in memory counts.
  const todo = JSON.parse(JSON.stringify(hmail.todo)) as { rcpt_to: unknown[]; notes: object }
  const header = { ...todo, notes: { ...todo.notes, [NOTES_KEY]: notes() } }
  for (const { name, group } of parts) {
    const recipients = group.map((place) => todo.rcpt_to[place])
    await copyQueueFile(hmail.path, join(path, name), () => ({ ...header, rcpt_to: recipients }))
  }
  await syncFolder(path)
  await syncFolder(queue)
}

/** Haraka takes over the parts that are in the queue. Those that cannot be moved there are moved later. */
function moveOn(
  hmail: HMailItem,
  parts: readonly Part[],
  folder: DivisionFolder,
  services: DivisionServices,
): void {
  const { haraka, log } = services
  const { moved, error } = moveParts(folder)
  for (const { name, group } of parts.filter((part) => moved.includes(part.name))) {
    const item = haraka.createItem(name, hmail.notes)
    // Haraka reads addresses only from the new file: a report would not give the reason of the last attempt.
    item.once('ready', () => {
      for (const [index, place] of group.entries()) {
        Object.assign(item.todo.rcpt_to[index] ?? {}, reportFields(hmail.todo.rcpt_to[place] ?? {}))
      }
    })
    haraka.push(item)
  }
  if (error === undefined) {
    void end(folder, log)
    return
  }
  log.logerror(
    `divided messages wait in ${folder.path}, tried again in ${RETRY_MS / 1000} s: ${error.message}`,
  )
  setTimeout(() => moveOn(hmail, parts, folder, services), RETRY_MS).unref()
}

/** The original is removed once the parts are safely on the disk. */
async function end(folder: DivisionFolder, log: Loggable): Promise<void> {
  try {
    await syncFolder(folder.queue)
    endDivision(folder)
  } catch (error) {
    log.logerror(`${folder.path} is left over, and will be removed at the next start: ${messageOf(error)}`)
  }
}

function discard(folder: DivisionFolder | undefined, log: Loggable): void {
  if (folder === undefined) return
  try {
    undoDivision(folder)
  } catch (error) {
    log.logerror(`${folder.path} is left over, and will be removed at the next start: ${messageOf(error)}`)
  }
}

function describe({ todo }: HMailItem, parts: readonly Part[]): string {
  return parts
    .map(({ name, group }) => `${name} for ${group.map((place) => String(todo.rcpt_to[place])).join(', ')}`)
    .join('; ')
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
