/** What every benchmark here measures with: processor time of this process, medians of alternating rounds, a table. */
import { availableParallelism, cpus } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What a piece of work cost. Microseconds. */
export interface Cost {
  /** User and system time of this process, all its threads. */
  readonly cpu: number
  readonly wall: number
}

/** Cost of one run of the work. */
export async function costOf(work: () => void | Promise<void>): Promise<Cost> {
  const started = performance.now()
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { cpu: user + system, wall: (performance.now() - started) * 1000 }
}

const WARM_UP = 3

/**
 * Runs the contenders in turn, so often, so that what else the machine does hits all alike; before that a few rounds to warm up.
 *
 * @param warmUp how many
 */
export async function alternate<K extends string, T>(
  rounds: number,
  contenders: Readonly<Record<K, (round: number) => Promise<T>>>,
  warmUp: number = WARM_UP,
): Promise<Record<K, T[]>> {
  const names = Object.keys(contenders) as K[]
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<K, T[]>
  for (let round = 0; round < warmUp + rounds; round++) {
    // The other way round every second time: who goes second finds a warm name server.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const result = await contenders[name](round)
      if (round >= warmUp) results[name].push(result)
    }
  }
  return results
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** `1.08 (1.05 to 1.12)`: the median, and the half of the values around it, which a few disturbed rounds do not move. */
export function showMiddleHalf(values: readonly number[], digits = 2): string {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (part: number) => sorted[Math.round((sorted.length - 1) * part)]!.toFixed(digits)
  return `${median(values).toFixed(digits)} (${at(0.25)} to ${at(0.75)})`
}

/** `1.08 (1.05 to 1.12)`: the median, and the least and the most. */
export function showRange(values: readonly number[], digits = 2): string {
  const [least, middle, most] = [Math.min(...values), median(values), Math.max(...values)]
  return `${middle.toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`
}

/** What the figures were measured on. */
export function describeMachine(): string {
  const { node, v8 } = process.versions
  return `Node ${node}, V8 ${v8}, ${availableParallelism()} processors ${cpus()[0]?.model ?? ''}`
}

/** Does something for every number below `count`, so many at a time. */
export async function eachOf(
  count: number,
  atOnce: number,
  task: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await task(next++)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker))
}

/** Collects all garbage, so that what is on the heap is what is held. */
export function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

/** `goal` and whether it is met come last. */
export interface Row {
  readonly what: string
  readonly value: string
  readonly goal?: string
  readonly met?: boolean
}

/** Prints a table. A goal that is missed makes the process end with code 1. */
export function print(title: string, rows: readonly Row[]): void {
  if (rows.some(({ met }) => met === false)) process.exitCode = 1
  const width = Math.max(...rows.map(({ what }) => what.length))
  const valueWidth = Math.max(...rows.map(({ value }) => value.length))
  console.log(`\n${title}`)
  for (const { what, value, goal, met } of rows) {
    const verdict =
      goal === undefined ? '' : `   goal ${goal}${met === undefined ? '' : met ? ': met' : ': MISSED'}`
    console.log(`  ${what.padEnd(width)}  ${value.padStart(valueWidth)}${verdict}`)
  }
}
