import cluster, { type Worker } from 'node:cluster'

/** The number of the master among its workers, whose `cluster.worker.id` begins at 1. */
const MASTER = 0

/** What goes over the channel between a worker and the master. */
interface ChannelMessage<T> {
  readonly event: string
  readonly content: T
}

export interface ServerChannelOptions<T> {
  /** Tells these messages from all others. Haraka (`server.js`, `outbound/index.js`) ignores events that it does not know. */
  readonly event: `dns_overrides.${string}`
  /** Does this process start the workers? */
  readonly isMaster: boolean
  /** Hears what a process says, in the one process that speaks for the server. */
  readonly hear: (process: number, content: T) => void
  /** A worker that has said something has ended. */
  readonly onExit?: (process: number) => void
}

/** What the processes of a server say to the server as a whole: to the master, or without cluster to the only process. */
export class ServerChannel<T extends object> {
  readonly #options: ServerChannelOptions<T>

  constructor(options: ServerChannelOptions<T>) {
    this.#options = options
    if (!options.isMaster) return
    const known = new WeakSet<Worker>()
    cluster.on('message', (worker, message: unknown) => {
      if (!this.#isOwn(message)) return
      options.hear(worker.id, message.content)
      if (known.has(worker)) return
      known.add(worker)
      worker.once('exit', () => options.onExit?.(worker.id))
    })
  }

  /** @param onLost called if the master cannot be reached */
  say(content: T, onLost: () => void = () => {}): void {
    const { event, hear } = this.#options
    if (!cluster.isWorker) {
      hear(MASTER, content)
      return
    }
    const message: ChannelMessage<T> = { event, content }
    process.send?.(message, undefined, undefined, (error) => {
      if (error !== null) onLost()
    })
  }

  #isOwn(message: unknown): message is ChannelMessage<T> {
    return (message as Partial<ChannelMessage<T>> | null)?.event === this.#options.event
  }
}
