/** A queue of Haraka with very many messages that are due: copies of one that Haraka itself wrote. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { a, startZone } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'

const LATER = `exports.hook_get_mx = (next) => next(DENYSOFT, 'later')`

/** A queue file of Haraka: its name in parts (`outbound/qfile.js`) and what it holds. */
export interface QueueFile {
  readonly parts: readonly string[]
  readonly content: Buffer
}

/** Has Haraka take a message and keep it; gives its queue file. */
export async function writeOne(to: string): Promise<QueueFile> {
  const zone = await startZone({ 'later.example': [a('127.0.0.1')] })
  const haraka = await HarakaServer.start({
    overrides: '',
    outbound: ['temp_fail_intervals=1h'],
    plugins: { later: LATER },
    files: { 'config/plugins': 'relay-all\nlater\n' },
  })
  try {
    await haraka.send({ to })
    // The second field but one of the name counts the attempts: it is written again after the first.
    await haraka.waitFor(() => haraka.queueFiles().some((name) => name.split('_')[2] === '1'), 'a deferral')
    await haraka.stop()
    const [name = ''] = readdirSync(join(haraka.folder, 'queue'))
    return { parts: name.split('_'), content: readFileSync(join(haraka.folder, 'queue', name)) }
  } finally {
    await haraka.close()
    await zone.stop()
  }
}

/** The copy with this number: with an id of its own, of the same length, for the length of what is before it stands in the file. */
function numberCopy(content: Buffer, n: number): Buffer {
  const copy = Buffer.from(content)
  const found = /("uuid"\s*:\s*")([^"]+)"/.exec(content.toString('latin1'))
  if (found === null) throw new Error('a queue file without an id')
  const [, before = '', id = ''] = found
  copy.write(String(n).padStart(id.length, '0'), found.index + before.length, 'latin1')
  return copy
}

/** Fills an empty queue with so many copies, due now and not tried yet. */
export function fillQueue(folder: string, { parts, content }: QueueFile, count: number): void {
  const queue = join(folder, 'queue')
  const [arrival, , , pid, uniq, , ...host] = parts
  for (let n = 1; n <= count; n++) {
    writeFileSync(join(queue, [arrival, arrival, 0, pid, uniq, n, ...host].join('_')), numberCopy(content, n))
  }
}
