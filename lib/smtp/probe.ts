import { hostname } from 'node:os'
import type { AddressAnswer } from '../model/dns-answer'
import { relayKey } from '../model/exchange'
import type { Relay } from '../model/relay'
import { authenticate } from './probe-auth'
import { ConnectionFault, ProbeConnection, type CertificateReport, type Reply } from './probe-connection'
import { during, ProbeStop, said, type ProbeFinding } from './probe-finding'

export type { ProbeFinding } from './probe-finding'

/** What one address of a relay answered. */
export interface AddressReport {
  readonly address: string
  readonly good: boolean
  readonly findings: readonly ProbeFinding[]
}

/** What a probe found of one relay. Holds no secret. */
export interface RelayReport {
  readonly key: string
  readonly name?: string
  /** At least one address does all that is wanted, and the others do too or cannot be connected to. */
  readonly good: boolean
  /** Findings that concern no single address. */
  readonly findings: readonly ProbeFinding[]
  readonly addresses: readonly AddressReport[]
}

/** What a probe needs. */
export interface ProbeServices {
  readonly lookup: (host: string) => Promise<AddressAnswer>
  readonly now: () => number
  /** For each step, milliseconds. */
  readonly timeout: number
  /** Certificate authorities trusted beside the system's, PEM. */
  readonly ca?: readonly string[]
}

/** A certificate that ends sooner than this is worth a word. */
const SOON = 14 * 86_400_000

/** Connects to each address of a relay as Haraka would, up to the point where mail would be sent. Never rejects. */
export async function probeRelay(relay: Relay, services: ProbeServices): Promise<RelayReport> {
  const answer = await services.lookup(relay.endpoint.host)
  const head = { key: relayKey(relay), ...(relay.name === undefined ? {} : { name: relay.name }) }
  if (answer.kind !== 'addresses') {
    return { ...head, good: false, findings: [noAddress(relay, answer)], addresses: [] }
  }
  const addresses: AddressReport[] = []
  // one after the other: many relays count parallel logins as an attack
  for (const address of answer.addresses) addresses.push(await probeAddress(relay, address, services))
  const reached = addresses.filter(({ findings }) => !findings.some(isConnectFault))
  const good = reached.length > 0 && reached.every((report) => report.good)
  return { ...head, good, findings: [], addresses }
}

function isConnectFault(finding: ProbeFinding): boolean {
  return finding.step === 'connect' && finding.result === 'bad'
}

function noAddress(relay: Relay, answer: Exclude<AddressAnswer, { kind: 'addresses' }>): ProbeFinding {
  return answer.kind === 'failed'
    ? {
        step: 'address',
        result: 'bad',
        message: `${relay.endpoint.host} could not be looked up: ${answer.error.message}`,
        advice: 'check dns_servers, and whether they answer',
      }
    : {
        step: 'address',
        result: 'bad',
        message: `${relay.endpoint.host} has no address`,
        advice: 'check the spelling of the host',
      }
}

async function probeAddress(relay: Relay, address: string, services: ProbeServices): Promise<AddressReport> {
  const findings: ProbeFinding[] = []
  const note = (
    step: ProbeFinding['step'],
    message: string,
    result: ProbeFinding['result'] = 'good',
    advice?: string,
  ) => findings.push({ step, result, message, ...(advice === undefined ? {} : { advice }) })
  let connection: ProbeConnection | undefined
  try {
    connection = await openConnection(relay, address, services)
    note('connect', `connected to port ${relay.endpoint.port}`)
    let encrypted = false
    if (relay.implicitTls) {
      judgeCertificate(relay, await handshake(connection, relay), services.now(), note)
      encrypted = true
    }
    note('greeting', await greeting(connection, relay))
    let extensions = await hello(connection, relay)
    note('ehlo', `offers ${[...extensions.keys()].join(', ') || 'no extensions'}`)
    if (!encrypted && wantsStartTls(relay, extensions, note)) {
      const reply = await during('tls', connection.command('STARTTLS'))
      if (reply.code !== 220) throw new ProbeStop('tls', `STARTTLS is refused: ${said(reply)}`)
      judgeCertificate(relay, await handshake(connection, relay), services.now(), note)
      encrypted = true
      // what was offered before TLS counts no more (RFC 3207 section 4.2)
      extensions = await hello(connection, relay)
    }
    if (relay.credentials !== undefined) {
      note('auth', await authenticate(connection, relay, relay.credentials, extensions, encrypted))
    }
    await connection.command('QUIT').catch(() => undefined)
  } catch (error) {
    findings.push(error instanceof ProbeStop ? error.finding : fault('connect', error, relay))
  } finally {
    connection?.close()
  }
  return { address, good: findings.every(({ result }) => result !== 'bad'), findings }
}

async function openConnection(
  relay: Relay,
  address: string,
  { timeout, ca }: ProbeServices,
): Promise<ProbeConnection> {
  const { host, port } = relay.endpoint
  const { bind } = relay.terms
  try {
    return await ProbeConnection.open({
      address,
      port,
      host,
      timeout,
      ...(bind === undefined ? {} : { bind }),
      ...(ca === undefined ? {} : { ca }),
    })
  } catch (error) {
    const { message, advice } = fault('connect', error, relay)
    throw new ProbeStop('connect', message, advice)
  }
}

function fault(name: ProbeFinding['step'], error: unknown, relay: Relay): ProbeFinding {
  const { code, message } = error as { code?: string; message?: string }
  const advice = connectAdvice(code, relay)
  return {
    step: name,
    result: 'bad',
    message: message ?? String(error),
    ...(advice === undefined ? {} : { advice }),
  }
}

function connectAdvice(code: string | undefined, relay: Relay): string | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing listens on port ${relay.endpoint.port} there: check the port (25, 465 or 587?)`
    case 'ETIMEDOUT':
      return relay.endpoint.port === 25
        ? 'a firewall may drop it: many networks close port 25 outwards; ask for port 587'
        : 'a firewall may drop it, or the address is wrong'
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return 'this machine has no route there, as without IPv6'
    case 'EADDRNOTAVAIL':
      return relay.terms.bind === undefined
        ? undefined
        : `bind = ${relay.terms.bind} is no address of this machine`
    default:
      return undefined
  }
}

async function greeting(connection: ProbeConnection, relay: Relay): Promise<string> {
  let reply: Reply
  try {
    reply = await connection.reply()
  } catch (error) {
    const silent = (error as ConnectionFault).code === 'ETIMEDOUT' && !relay.implicitTls
    const advice = silent
      ? 'it may wait for TLS from the first byte: write the host as smtps://HOST'
      : undefined
    throw new ProbeStop('greeting', `no greeting: ${(error as Error).message}`, advice)
  }
  if (reply.code === 220) return said(reply)
  const advice =
    reply.code >= 500 ? 'it does not want this address: ask its operator' : 'it is too busy: try later'
  throw new ProbeStop('greeting', `it greets with ${said(reply)}`, advice)
}

/** EHLO (LHLO for LMTP): the extensions and their parameters, in capitals. */
async function hello(connection: ProbeConnection, relay: Relay): Promise<Map<string, string[]>> {
  const verb = relay.terms.lmtp ? 'LHLO' : 'EHLO'
  const reply = await during('ehlo', connection.command(`${verb} ${relay.terms.bindHelo ?? hostname()}`))
  if (reply.code !== 250) throw new ProbeStop('ehlo', `${verb} is refused: ${said(reply)}`)
  return new Map(
    reply.lines.slice(1).map((line) => {
      // some old servers write AUTH=PLAIN
      const [keyword = '', ...parameters] = line.toUpperCase().split(/[ =]+/)
      return [keyword, parameters]
    }),
  )
}

type Note = (
  step: ProbeFinding['step'],
  message: string,
  result?: ProbeFinding['result'],
  advice?: string,
) => void

function wantsStartTls(relay: Relay, extensions: ReadonlyMap<string, unknown>, note: Note): boolean {
  if (relay.terms.tls === 'off') {
    note('tls', 'not used: tls = off')
    return false
  }
  if (extensions.has('STARTTLS')) return true
  if (relay.terms.tls === 'required') {
    throw new ProbeStop(
      'tls',
      'STARTTLS is not offered, and tls = required',
      'try port 587 or smtps://HOST, or ask the operator of the relay',
    )
  }
  note('tls', 'STARTTLS is not offered', 'warning', 'mail goes unencrypted')
  return false
}

async function handshake(connection: ProbeConnection, relay: Relay): Promise<CertificateReport> {
  try {
    return await connection.startTls()
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string }
    const plain = relay.implicitTls && (code.includes('WRONG_VERSION') || code.includes('PACKET_LENGTH'))
    const advice = plain
      ? 'the server does not speak TLS from the first byte: leave out smtps://'
      : 'the server and this machine have no TLS version or cipher in common, or the server broke off'
    throw new ProbeStop('tls', `TLS fails: ${message}`, advice)
  }
}

/** What is to be done about each fault of a certificate. */
const CERTIFICATE_ADVICE: Readonly<Record<CertificateReport['faults'][number]['kind'], string>> = {
  chain: 'ask the operator of the relay, or make its authority known with NODE_EXTRA_CA_CERTS',
  name: 'write the host as a name that the certificate has',
  expired: 'the operator of the relay must renew it',
}

function judgeCertificate(relay: Relay, report: CertificateReport, now: number, note: Note): void {
  note('tls', report.protocol)
  const until = new Date(report.validTo).toISOString().slice(0, 10)
  const what = `${report.subject}, signed by ${report.issuer}, until ${until}`
  if (report.faults.length === 0) {
    if (report.validTo - now < SOON) note('certificate', what, 'warning', 'it must be renewed soon')
    else note('certificate', what)
    return
  }
  const wanted = relay.terms.tls === 'required'
  for (const { kind, message } of report.faults) {
    note('certificate', `${what}: ${message}`, wanted ? 'bad' : 'warning', CERTIFICATE_ADVICE[kind])
  }
  // with tls = required nothing is sent over such a connection, and so no password here either
  if (wanted)
    throw new ProbeStop('tls', 'tls = required, so nothing is sent to a server with such a certificate')
}
