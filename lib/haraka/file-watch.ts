import { stat, statSync, watch, type FSWatcher, type Stats } from 'node:fs'
import { basename, dirname } from 'node:path'

/** How long a file rests before it is read, milliseconds. As long as in haraka-config (`lib/watch.js`): a save may take a while. */
const REST_MS = 5_000
/** How often a file is looked at whose changes are not reported: behind a link, in a folder that is not there, on a network. */
const LOOK_EVERY_MS = 5_000

/**
 * Calls back when a file has been written, replaced, made or removed and has then rested for five seconds. There need be no file
 * yet, nor a folder. A link that is turned to another file counts, also one on the way to it (Kubernetes mounts files so).
 *
 * Haraka's own watcher (haraka-config `lib/watch.js`) reads the file before it calls back, whatever stands there: a FIFO would stop
 * the server. It also keeps only one callback for each file.
 *
 * @returns stops watching
 */
export function watchFile(path: string, onChange: () => void): () => void {
  let rest: NodeJS.Timeout | undefined
  let isStopped = false
  /** What the file was when it was last seen. */
  let seen = lookAt(path)

  const waitForRest = () => {
    clearTimeout(rest)
    rest = setTimeout(onChange, REST_MS).unref()
  }
  const look = (isReported: boolean) => {
    stat(path, (error, stats) => {
      if (isStopped) return
      const stamp = error === null ? stampOf(stats) : ABSENT
      if (isReported || stamp !== seen) waitForRest()
      seen = stamp
    })
  }
  const watcher = watchFolder(dirname(path), (name) => {
    // Not every system says which file of the folder it was.
    look(name === null || name === basename(path))
  })
  const timer = setInterval(() => look(false), LOOK_EVERY_MS).unref()
  return () => {
    isStopped = true
    clearTimeout(rest)
    clearInterval(timer)
    watcher?.close()
  }
}

/** Tells one version of a file from another. */
const stampOf = ({ dev, ino, size, mtimeMs, ctimeMs }: Stats) => `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`
const ABSENT = 'absent'

function lookAt(path: string): string {
  try {
    return stampOf(statSync(path))
  } catch {
    return ABSENT
  }
}

/** Where the system cannot watch, or there is no folder, looking at the file does it alone. */
function watchFolder(path: string, listener: (name: string | null) => void): FSWatcher | undefined {
  try {
    const watcher = watch(path, { persistent: false }, (_event, name) => listener(name))
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}
