import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/** How long a file rests before it is read, milliseconds. As long as in haraka-config (`lib/watch.js`): a save may take a while. */
const REST = 5_000

/**
 * Calls back when a file has been written, replaced, made or removed and has then rested for five seconds. Its folder is watched,
 * so the file need not exist yet.
 *
 * Haraka's own watcher (haraka-config `lib/watch.js`) reads the file before it calls back, whatever stands there: a FIFO would stop
 * the server. It also keeps only one callback for each file.
 *
 * @returns stops watching
 * @throws Error as `fs.watch` does
 */
export function watchFile(path: string, onChange: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  const watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
    // Not every system says which file of the folder it was.
    if (name !== null && name !== basename(path)) return
    clearTimeout(timer)
    timer = setTimeout(onChange, REST)
    timer.unref()
  })
  const stop = () => {
    clearTimeout(timer)
    watcher.close()
  }
  // The folder is gone, and nothing can be seen any more.
  watcher.on('error', stop)
  return stop
}
