/**
 * Counts what a piece of work makes, in a process whose young heap is so large that nothing is collected meanwhile. Started by
 * {@link allocationsOf} with the path of a module that exports `work`.
 */
import { execFile } from 'node:child_process'
import { createHook } from 'node:async_hooks'
import { promisify } from 'node:util'

/** What a module exports to be measured. */
export interface MeasuredWork {
  /** How often {@link once} is run. */
  readonly times: number
  once(): void | Promise<void>
  stop?(): Promise<void>
}

/** Of one run of the work, on average. */
export interface Allocations {
  readonly bytes: number
  readonly promises: number
}

/** Megabytes. Both flags, because the heap would begin smaller. */
const YOUNG_HEAP = 256

/** Measures the work of a module in a process of its own. */
export async function allocationsOf(module: string): Promise<Allocations> {
  const flags = [
    `--min-semi-space-size=${YOUNG_HEAP}`,
    `--max-semi-space-size=${YOUNG_HEAP}`,
    '--expose-gc',
    '--single-threaded-gc',
  ]
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, __filename, module])
  return JSON.parse(stdout.split('\n').find((line) => line.startsWith('{'))!) as Allocations
}

async function measure({ times, once, stop }: MeasuredWork): Promise<Allocations> {
  const run = async () => {
    for (let count = 0; count < times; count++) {
      const pending = once()
      if (pending !== undefined) await pending
    }
  }
  // What is compiled and cached by the first runs is not counted.
  await run()
  let promises = 0
  const hook = createHook({ init: (_id, type) => void (promises += type === 'PROMISE' ? 1 : 0) }).enable()
  await run()
  hook.disable()
  // The hook itself makes objects, so that the bytes are counted without it.
  ;(globalThis as { gc?: () => void }).gc?.()
  const before = process.memoryUsage().heapUsed
  await run()
  const bytes = process.memoryUsage().heapUsed - before
  await stop?.()
  return { bytes: bytes / times, promises: promises / times }
}

if (require.main === module) {
  const load = require(process.argv[2]!) as { start(): MeasuredWork | Promise<MeasuredWork> }
  void Promise.resolve(load.start())
    .then(measure)
    .then((allocations) => console.log(JSON.stringify(allocations)))
}
