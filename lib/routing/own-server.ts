import { isIPv4, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Section } from '../config/section'
import { canonicalIPv6 } from '../model/domain'
import { formatEndpoint, type Endpoint } from '../model/endpoint'
import { eachInSteps, type Steps } from '../model/steps'
import type { RuleSet } from '../rules/compile'
import { targetSpan } from '../rules/places'
import type { OverrideLine } from '../rules/types'
import type { Line } from '../source/line'
import type { Report } from '../source/report'

/** Where this mail server itself is. */
export interface OwnServer {
  /** The addresses and ports at which it accepts mail (`listen` of smtp.ini). `0.0.0.0` and `::` stand for every address. */
  readonly listens: readonly Endpoint[]
  /** The addresses of the machine's interfaces. */
  readonly addresses: readonly string[]
}

/** The current addresses of this machine's interfaces. */
export function localAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? [])
}

/** An address in one form. */
const canonical = (host: string) => (isIPv6(host) ? canonicalIPv6(host) : host)

/** Connecting to the unspecified address reaches this machine too. */
const isLoopback = (host: string) => ['0.0.0.0', '::', '::1'].includes(host) || /^127\.\d/.test(host)

/**
 * Would a connection to an endpoint certainly reach this server? The only host name that is certain is `localhost`: others depend on
 * what DNS says at the time.
 */
export function ownEndpointTest({ listens, addresses }: OwnServer): (endpoint: Endpoint) => boolean {
  const own = new Set(addresses.map(canonical))
  const isLocal = (address: string) => isLoopback(address) || own.has(address)
  const listensAt = (address: string, port: number) =>
    listens.some((listen) => {
      const host = canonical(listen.host)
      // A socket of :: accepts IPv4 too (Node net.Server.listen, ipv6Only).
      const isAny = host === '::' || (host === '0.0.0.0' && isIPv4(address))
      const isHere = isAny ? isLocal(address) : host === 'localhost' && isLoopback(address)
      return listen.port === port && (host === address || isHere)
    })
  const ports = new Set(listens.map(({ port }) => port))
  return ({ host, port }) => {
    if (!ports.has(port)) return false
    return host === 'localhost'
      ? listensAt('127.0.0.1', port) || listensAt('::1', port)
      : listensAt(canonical(host), port)
  }
}

/**
 * Reports each target that is this server itself: mail would come back to it again and again, until a server counts its
 * Received headers. In steps.
 */
export function* reportOwnTargets(
  own: OwnServer,
  {
    sections,
    overrides,
    rules,
  }: { readonly sections: readonly Section[]; readonly overrides: readonly Line[]; readonly rules: RuleSet },
  report: Report,
): Steps<void> {
  const fail = (line: Line, span: Parameters<Report['error']>[1], endpoint: Endpoint) =>
    report.error(
      line,
      span,
      'own-server',
      `${formatEndpoint(endpoint)} is this server itself: mail would loop`,
      {
        expected: 'another server, or a port at which this one does not accept mail (smtp.ini)',
      },
    )
  const isOwn = ownEndpointTest(own)
  const found: OverrideLine[] = []
  yield* eachInSteps(rules.lines, (line) => {
    if (line.target.kind === 'inline' && isOwn(line.target.relay.endpoint)) found.push(line)
  })
  const sources = new Map(found.length === 0 ? [] : overrides.map((line) => [line.line, line]))
  for (const line of found) {
    const source = sources.get(line.line)
    const { target } = line
    if (source !== undefined && target.kind === 'inline')
      fail(source, targetSpan(line), target.relay.endpoint)
  }
  for (const { name, endpoint } of rules.relays.filter((relay) => isOwn(relay.endpoint))) {
    const section = sections.find((each) => each.kind === 'relay' && each.name === name)
    const host = section?.settings.get('host')
    if (host !== undefined) fail(host.source, host.valueSpan, endpoint)
  }
}
