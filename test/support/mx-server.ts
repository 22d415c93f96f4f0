import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Resolver } from '../../lib/dns/resolver'
import { testResolver } from './dns-resolver'
import { FLAGS, TYPES, u16, u32, wireName } from './dns-wire'

const OPT_LENGTH = 11

/** An MX record of the name that was asked for: the owner is a pointer to the question. */
function mx(priority: number, exchange: string): Buffer {
  const data = Buffer.concat([u16(priority), wireName(exchange)])
  return Buffer.concat([u16(0xc00c), u16(TYPES.MX), u16(1), u32(300), u16(data.length), data])
}

const FLAGS_AND_COUNTS = Buffer.concat([FLAGS.QR | FLAGS.RD | FLAGS.RA, 1, 2, 0, 0].map(u16))
const ANSWERS = Buffer.concat([mx(10, 'mx1.example.net'), mx(20, 'mx2.example.net')])

/**
 * A resolver, and a server in the same process that says of each name the same two MX records. The server does as little as it can,
 * since what it makes is counted too.
 */
export async function startMxServer(): Promise<{
  readonly resolver: Resolver
  readonly stop: () => Promise<void>
}> {
  const server = createSocket('udp4')
  server.on('message', (query, { port, address }) => {
    const question = query.subarray(12, query.length - OPT_LENGTH)
    server.send(Buffer.concat([query.subarray(0, 2), FLAGS_AND_COUNTS, question, ANSWERS]), port, address)
  })
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const resolver = testResolver([{ address: '127.0.0.1', port, transport: 'udp' }])
  const stop = async () => {
    resolver.close()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return { resolver, stop }
}
