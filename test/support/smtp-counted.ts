import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { startSink, type Sink } from './smtp-sink'

/** A server, and how many connections it has seen at once. */
export interface CountedServer {
  readonly port: number
  readonly sink: Sink
  readonly most: () => number
  readonly open: () => number
}

export interface CountedOptions {
  readonly host?: string
  readonly port?: number
  /**
   * How long the server thinks before it takes a message, milliseconds.
   *
   * @default 0
   */
  readonly answerMs?: number
}

/** Starts a server that ends with the test. */
export async function startCounted(t: TestContext, options: CountedOptions = {}): Promise<CountedServer> {
  const { host = '127.0.0.1', port = 0, answerMs = 0 } = options
  const sink = await startSink({
    answer: async (stage) => {
      if (stage === 'data') await new Promise((done) => setTimeout(done, answerMs))
      return undefined
    },
  })
  let open = 0
  let most = 0
  const counter = createServer((socket) => {
    open++
    // A connection whose end came before this one's beginning is read in the same turn of the event loop: counted after it.
    setImmediate(() => setImmediate(() => (most = Math.max(most, open))))
    const inner = connect(sink.port, sink.host)
    let isOpen = true
    const close = () => {
      if (isOpen) open--
      isOpen = false
    }
    socket.on('end', close)
    socket.on('close', () => {
      close()
      inner.destroy()
    })
    inner.on('close', () => socket.end())
    for (const each of [socket, inner]) each.on('error', () => {})
    socket.pipe(inner).pipe(socket)
  })
  counter.listen(port, host)
  await once(counter, 'listening')
  t.after(async () => {
    counter.close()
    await sink.close()
  })
  const { port: own } = counter.address() as AddressInfo
  return { port: own, sink, most: () => most, open: () => open }
}
