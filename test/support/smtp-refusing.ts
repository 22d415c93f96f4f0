import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** A server that refuses every connection with 421. */
export interface RefusingServer {
  readonly port: number
  readonly connections: () => number
}

/** Starts one that ends with the test. */
export async function startRefusing(t: TestContext): Promise<RefusingServer> {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.on('error', () => {})
    socket.end('421 busy\r\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { port: (server.address() as AddressInfo).port, connections: () => connections }
}
