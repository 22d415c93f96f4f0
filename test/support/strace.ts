import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { findProgram, needs } from './programs'

/** As `needs('strace')`, and it must be allowed to trace. */
export function needsStrace(): false | string {
  const missing = needs('strace')
  if (missing !== false) return missing
  const { status } = spawnSync(findProgram('strace')!, ['-qq', '-o', '/dev/null', 'true'])
  return status === 0 ? false : 'strace is not allowed to trace'
}

/** Faults that the kernel has under a process. */
export interface Faults {
  /** Lets go of the process. */
  stop(): Promise<void>
}

/**
 * Gives the main thread of a process faults at its system calls, as `rename:signal=SIGKILL:when=2` (strace's `inject`): the process is
 * killed just before its second `rename`. Resolves when it holds.
 */
export async function injectFaults(pid: number, fault: string): Promise<Faults> {
  const [call = ''] = fault.split(':')
  const words = ['-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${fault}`, '-p', String(pid)]
  const strace: ChildProcess = spawn(findProgram('strace')!, words, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(strace, 'exit')
  let said = ''
  await new Promise<void>((done, reject) => {
    strace.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('attached')) done()
    })
    void ended.then(() => reject(new Error(`strace: ${said}`)))
  })
  return {
    async stop() {
      strace.kill('SIGINT')
      await ended
    },
  }
}
