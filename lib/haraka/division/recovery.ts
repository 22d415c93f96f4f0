import { recoverDivisions, type RecoveredDivision } from '../../haraka-files/division-folder'
import type { ProcessRole } from '../process'
import type { Loggable } from '../../haraka-objects/plugin'

/** Haraka 3.1 to 3.3 (`server.js` `cluster_exit_listener`) gives a worker the queue files of another by its process id. */
const TAKE_OVER = 'outbound.load_pid_queue'

/** Where messages of the master process come in. */
export interface MasterMessages {
  prependListener(event: 'message', listener: (message: unknown) => void): unknown
  removeListener(event: 'message', listener: (message: unknown) => void): unknown
}

/**
 * Ends the divisions of messages that killed processes have left in the middle, before Haraka reads the queue folder:
 *
 * - the master process, or a server without workers, at its start: all that there are;
 * - a worker: those of a process whose queue files it gets.
 *
 * @param queue gives Haraka's queue folder
 * @returns stops it
 */
export function recoverInterruptedDivisions(
  queue: () => string,
  { kind, replaceable }: Pick<ProcessRole, 'kind' | 'replaceable'>,
  log: Loggable,
  messages: MasterMessages = process,
): () => void {
  if (kind === 'tool') return () => {}
  if (!replaceable) {
    recover(queue(), undefined, log)
    return () => {}
  }
  const listener = (message: unknown) => {
    const { event, data } = (message ?? {}) as { readonly event?: unknown; readonly data?: unknown }
    const pid = Number(data)
    // Haraka's own listener reads the folder only later, see outbound/queue.js init_queue.
    if (event === TAKE_OVER && pid > 0) recover(queue(), pid, log)
  }
  messages.prependListener('message', listener)
  return () => void messages.removeListener('message', listener)
}

function recover(queue: string, pid: number | undefined, log: Loggable): void {
  try {
    for (const division of recoverDivisions(queue, pid)) report(division, log)
  } catch (error) {
    log.logerror(`divisions that were interrupted cannot be looked for: ${String(error)}`)
  }
}

function report({ end, folder, error }: RecoveredDivision, log: Loggable): void {
  switch (end) {
    case 'undone':
      log.lognotice('the division of a message was interrupted, and is undone')
      return
    case 'completed':
      log.lognotice('the division of a message was interrupted, and is completed')
      return
    case 'failed':
      log.logerror(
        `the division of a message was interrupted, and waits in ${folder}: ${String(error?.message)}`,
      )
      return
    default:
      end satisfies never
  }
}
