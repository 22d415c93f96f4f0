/**
 * Counts what a piece of work makes, in a process whose young heap is so large that nothing is collected meanwhile, and what it keeps.
 * Started by {@link allocationsOf} and {@link keptObjectsOf} with the path of a module that exports `start`.
 */
import { execFile } from 'node:child_process'
import { createHook } from 'node:async_hooks'
import { promisify } from 'node:util'
import { queryObjects } from 'node:v8'

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

/** How often the work is run to count what it keeps, so that what the process keeps anyway is little beside it. */
const KEPT_RUNS = 4

/** Measures the work of a module in a process of its own. */
export const allocationsOf = (module: string): Promise<Allocations> => runApart<Allocations>('made', module)

/** How many objects, arrays and functions are still in use after one run of the work, on average. */
export async function keptObjectsOf(module: string): Promise<number> {
  const { objects } = await runApart<{ readonly objects: number }>('kept', module)
  return objects
}

async function runApart<T>(what: 'made' | 'kept', module: string): Promise<T> {
  const flags = [
    `--min-semi-space-size=${YOUNG_HEAP}`,
    `--max-semi-space-size=${YOUNG_HEAP}`,
    '--expose-gc',
    '--single-threaded-gc',
  ]
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, __filename, module, what])
  return JSON.parse(stdout.split('\n').find((line) => line.startsWith('{'))!) as T
}

async function runOften({ times, once }: MeasuredWork): Promise<void> {
  for (let count = 0; count < times; count++) {
    const pending = once()
    if (pending !== undefined) await pending
  }
}

async function countKept(work: MeasuredWork): Promise<{ readonly objects: number }> {
  await runOften(work)
  const before = Number(queryObjects(Object))
  for (let count = 0; count < KEPT_RUNS; count++) await runOften(work)
  const kept = Number(queryObjects(Object)) - before
  await work.stop?.()
  return { objects: kept / (work.times * KEPT_RUNS) }
}

async function measure(work: MeasuredWork): Promise<Allocations> {
  const { times, stop } = work
  const run = () => runOften(work)
  // What is compiled and cached by the first runs is not counted.
  await run()
  let promises = 0
  const hook = createHook({
    init: (_id, type) => void (promises += type === 'PROMISE' ? 1 : 0),
  }).enable()
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
  const load = require(process.argv[2]!) as {
    start(): MeasuredWork | Promise<MeasuredWork>
  }
  void Promise.resolve(load.start())
    .then((work): Promise<object> => (process.argv[3] === 'kept' ? countKept(work) : measure(work)))
    .then((result) => console.log(JSON.stringify(result)))
}
