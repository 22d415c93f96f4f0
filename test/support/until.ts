import timers from 'node:timers/promises'

/** Real time passes here, even in a test that has stopped the time of what it tests. */
const sleep = timers.setTimeout

/** Waits until the condition holds, for things that tell nobody. @throws Error after so many ms: long, for a busy machine */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  patience = 60_000,
): Promise<void> {
  const end = performance.now() + patience
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`)
    await sleep(5)
  }
}
