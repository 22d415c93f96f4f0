/**
 * The resolver measured beside node:dns (c-ares) as Haraka uses it, in one run:
 *
 *     npm run bench -- dns -- [cold] [burst] [cached] [memory] [hostile] [failing]
 *
 * Without words: all. The name server runs in a process of its own (knotd where it is installed); processor time is that of this
 * process alone. Contenders take turns; figures are medians of the rounds. Exit code 1: a goal was missed.
 */
import { burst, cold } from './dns-cold'
import { cached, memory } from './dns-cached'
import { failing } from './dns-failing'
import { startBenchServer } from './dns-server'
import { hostile } from './dns-hostile'

const PARTS: Readonly<Record<string, (port: number) => Promise<void>>> = {
  cold,
  burst,
  cached,
  memory,
  hostile,
  failing,
}

async function main(words: readonly string[]): Promise<void> {
  const unknown = words.find((word) => PARTS[word] === undefined)
  if (unknown !== undefined) throw new Error(`${unknown}: not one of ${Object.keys(PARTS).join(', ')}`)
  const server = await startBenchServer()
  const { node, ares } = process.versions
  console.log(`Node ${node}, c-ares ${ares}, name server: ${server.program}`)
  try {
    for (const [word, part] of Object.entries(PARTS)) {
      if (words.length === 0 || words.includes(word)) await part(server.port)
    }
  } finally {
    await server.stop()
  }
}

void main(process.argv.slice(2))
