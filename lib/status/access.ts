import { BlockList, isIP, isIPv6 } from 'node:net'
import type { StatusSettings } from '../config/types'

/** Who asks. */
export interface Client {
  /** The other end of the socket. */
  readonly address: string | undefined
  /** The header X-Forwarded-For, if there is one. */
  readonly forwardedFor: string | undefined
}

/**
 * Tells why a client may not see the status page; undefined if it may. The address of the socket counts. Only a proxy in the list is
 * believed when it names its client. A request that any other host passes on is refused: nobody knows who sent it.
 */
export function accessTest({ allow, proxies }: StatusSettings): (client: Client) => string | undefined {
  const isAllowed = listTest(allow)
  const isProxy = listTest(proxies)
  return ({ address, forwardedFor }) => {
    const peer = canonical(address)
    if (peer === undefined) return 'the address of the client is not known'
    if (forwardedFor === undefined) return isAllowed(peer) ? undefined : refusal(peer)
    if (!isProxy(peer)) return `${peer} passes on the request of another, and is not in [status] proxies`
    const client = clientOf(forwardedFor, isProxy)
    if (client === undefined) return 'X-Forwarded-For is not a list of addresses'
    return isAllowed(client) ? undefined : refusal(client)
  }
}

const refusal = (address: string) => `${address} is not in [status] allow`

/**
 * The last address of the list that is not a proxy's, or else the first: what stands before it, the client may have written itself.
 *
 * @returns undefined if there is anything else in its place
 */
function clientOf(forwardedFor: string, isProxy: (address: string) => boolean): string | undefined {
  let address: string | undefined
  for (const part of forwardedFor.split(',').toReversed()) {
    address = canonical(part.trim())
    if (address === undefined || !isProxy(address)) break
  }
  return address
}

/** An address; an IPv4-mapped one of IPv6 (RFC 4291 section 2.5.5.2) as IPv4. */
function canonical(text: string | undefined): string | undefined {
  const address = text?.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '')
  return address === undefined || isIP(address) === 0 ? undefined : address
}

/** @param list addresses and CIDR blocks */
function listTest(list: readonly string[]): (address: string) => boolean {
  const blocks = new BlockList()
  for (const block of list) {
    const [address = '', bits] = block.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) blocks.addAddress(address, family)
    else blocks.addSubnet(address, Number(bits), family)
  }
  return (address) => blocks.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}
