import { hostname } from 'node:os'
import type { AddressAnswer } from '../model/dns-answer'
import type { Secret } from '../model/secret'
import { relayKey } from '../model/exchange'
import { CERTIFICATE_WARNING_MS, certificateEnd, oauth2Of, type Relay } from '../model/relay'
import { bindFor, RELAY_TERMS, whyPassedOver } from '../model/terms'
import type { CertificateReport } from './certificate'
import { Connection } from './connection'
import { Conversation } from './conversation'
import { adviseConnection, CERTIFICATE_ADVICE } from './probe-advice'
import { loginOf } from './login'
import { authenticate } from './probe-auth'
import { ProbeStop, type ProbeFinding } from './probe-finding'
import { probeToken, type AskToken } from './probe-token'
import { Session } from './session'
import { needsGoodCertificate, type Login } from './session-types'

export type { ProbeFinding } from './probe-finding'

/** What one address of a relay answered. */
export interface AddressReport {
  readonly address: string
  readonly good: boolean
  readonly findings: readonly ProbeFinding[]
}

/** What a probe found out about one relay. Holds no secret. */
export interface RelayReport {
  readonly key: string
  readonly name?: string
  /** Does at least one address work, and does every other one work too or not accept connections? */
  readonly good: boolean
  /** Findings that are not about one address. */
  readonly findings: readonly ProbeFinding[]
  readonly addresses: readonly AddressReport[]
}

/** What a probe needs. */
export interface ProbeServices {
  readonly lookup: (host: string) => Promise<AddressAnswer>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** For each step, milliseconds. */
  readonly timeoutMs: number
  /** Certificate authorities that are trusted besides the system's, PEM. */
  readonly ca?: readonly string[]
  readonly askToken: AskToken
}

/** Connects to each address of a relay as Haraka would, up to the point where mail would be sent. Never rejects. */
export async function probeRelay(relay: Relay, services: ProbeServices): Promise<RelayReport> {
  const { host } = relay.endpoint
  const answer = await services.lookup(host)
  const head = { key: relayKey(relay), ...(relay.name === undefined ? {} : { name: relay.name }) }
  if (answer.kind !== 'addresses') {
    return { ...head, good: false, findings: [explainNoAddress(host, answer)], addresses: [] }
  }
  const fitting = answer.addresses.filter((address) => whyPassedOver(relay.terms, address) === undefined)
  if (fitting.length === 0)
    return { ...head, good: false, findings: [explainNoneFits(relay, answer.addresses)], addresses: [] }
  const { findings: ofToken, token } = await probeToken(relay, services)
  const addresses: AddressReport[] = []
  // One after the other, because many relays count parallel logins as an attack.
  for (const address of fitting) addresses.push(await probeAddress(relay, address, services, token))
  const reached = addresses.filter(({ findings }) => !findings.some(isConnectFault))
  const hasToken = ofToken.every(({ result }) => result !== 'bad')
  const good = hasToken && reached.length > 0 && reached.every((report) => report.good)
  return { ...head, good, findings: ofToken, addresses }
}

const formatDay = (time: number) => new Date(time).toISOString().slice(0, 10)

const isConnectFault = ({ step, result }: ProbeFinding) => step === 'connect' && result === 'bad'

function explainNoAddress(host: string, answer: Exclude<AddressAnswer, { kind: 'addresses' }>): ProbeFinding {
  return answer.kind === 'failed'
    ? {
        step: 'address',
        result: 'bad',
        message: `${host} could not be looked up: ${answer.error.message}`,
        advice: 'check dns_servers, and whether they answer',
      }
    : {
        step: 'address',
        result: 'bad',
        message: `${host} has no address`,
        advice: 'check the spelling of the host',
      }
}

function explainNoneFits({ endpoint, terms }: Relay, addresses: readonly string[]): ProbeFinding {
  const why = addresses.map((address) => whyPassedOver(terms, address)).find((reason) => reason !== undefined)
  return {
    step: 'address',
    result: 'bad',
    message: `no address of ${endpoint.host} can be used: ${why}`,
    advice: 'check family and bind',
  }
}

async function probeAddress(
  relay: Relay,
  address: string,
  services: ProbeServices,
  token: Secret | undefined,
): Promise<AddressReport> {
  // Without a token the probe goes as far as it can without a login.
  const login = oauth2Of(relay) === undefined || token !== undefined ? loginOf(relay, token) : undefined
  const probe = new AddressProbe(relay, login, services.now())
  let connection: Connection | undefined
  try {
    connection = await openConnection(relay, address, services)
    await probe.run(connection)
  } catch (error) {
    probe.findings.push(error instanceof ProbeStop ? error.finding : connectionFinding(error, relay))
  } finally {
    connection?.close()
  }
  const { findings } = probe
  return { address, good: findings.every(({ result }) => result !== 'bad'), findings }
}

function openConnection(
  { endpoint: { host, port }, terms, clientCertificate }: Relay,
  address: string,
  { timeoutMs, ca }: ProbeServices,
): Promise<Connection> {
  const bind = bindFor(terms, address)
  return Connection.open({
    address,
    port,
    host,
    timeoutMs,
    ...(bind === undefined ? {} : { bind }),
    ...(ca === undefined ? {} : { ca }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
  })
}

function connectionFinding(error: unknown, relay: Relay): ProbeFinding {
  const { code, message } = error as { code?: string; message?: string }
  const advice = adviseConnection(code, relay)
  return {
    step: 'connect',
    result: 'bad',
    message: message ?? String(error),
    ...(advice === undefined ? {} : { advice }),
  }
}

/** One address, step by step. */
class AddressProbe {
  readonly findings: ProbeFinding[] = []
  readonly #relay: Relay
  /** Absent if no login is tried. */
  readonly #login: Login | undefined
  readonly #now: number

  constructor(relay: Relay, login: Login | undefined, now: number) {
    this.#relay = relay
    this.#login = login
    this.#now = now
  }

  /** @throws ProbeStop, or what the connection throws */
  async run(connection: Connection): Promise<void> {
    const { endpoint, terms, implicitTls, authType, allowPlaintextAuth, clientCertificate } = this.#relay
    const session = new Session({
      tls: terms.tls,
      implicitTls,
      lmtp: terms.lmtp,
      isRelay: true,
      ...(this.#login === undefined ? {} : { credentials: this.#login }),
      ...(authType === undefined ? {} : { authType }),
      allowPlaintextAuth,
      showsCertificate: clientCertificate !== undefined,
      nextMx: RELAY_TERMS.nextMx,
      recipients: 0,
    })
    const conversation = new Conversation(connection, session, this.#relay)
    this.#note('connect', `connected to port ${endpoint.port}`)
    if (implicitTls) this.#judgeCertificate(await conversation.startTls())
    this.#note('greeting', (await conversation.read()).reply.text)
    await this.#hello(conversation)
    this.#note('ehlo', `offers ${session.extensions.keywords.join(', ') || 'no extensions'}`)
    if (session.extensions.wantsStartTls(conversation.encryption)) {
      await conversation.command('STARTTLS')
      this.#judgeCertificate(await conversation.startTls())
      await this.#hello(conversation)
    } else if (!implicitTls) {
      this.#noteClear()
    }
    if (this.#login !== undefined) {
      this.#note('auth', await authenticate(conversation, this.#relay, this.#login, session.extensions))
    }
    await conversation.command('QUIT').catch(() => undefined)
  }

  /** LHLO for LMTP (RFC 2033); HELO if EHLO is refused and none of its extensions is needed. */
  async #hello(conversation: Conversation): Promise<void> {
    const { lmtp, bindHelo = hostname() } = this.#relay.terms
    const { reply } = await conversation.command(`${lmtp ? 'LHLO' : 'EHLO'} ${bindHelo}`)
    if (reply.code >= 300) await conversation.command(`HELO ${bindHelo}`)
  }

  #noteClear(): void {
    if (this.#relay.terms.tls === 'off') this.#note('tls', 'not used: tls = off')
    else this.#note('tls', 'STARTTLS is not offered', 'warning', 'mail goes unencrypted')
  }

  #noteClientCertificate(isAsked: boolean): void {
    const { clientCertificate } = this.#relay
    if (clientCertificate === undefined) {
      if (isAsked) this.#note('client', 'it asks for a client certificate, and tls_cert is not set')
      return
    }
    const { subject, validTo } = clientCertificate
    const what = `${subject}, until ${formatDay(validTo)}`
    const end = certificateEnd(this.#relay, this.#now)
    if (!isAsked)
      this.#note(
        'client',
        `it does not ask for our certificate (${what})`,
        'warning',
        'tls_cert may not be needed here',
      )
    else if (end === undefined) this.#note('client', `it asked for our certificate and got it: ${what}`)
    else
      this.#note(
        'client',
        `it asked for our certificate and got it: ${what}`,
        'warning',
        'it must be renewed soon',
      )
  }

  #judgeCertificate({ protocol, subject, issuer, validTo, faults, asksForOurs }: CertificateReport): void {
    this.#note('tls', protocol)
    this.#noteClientCertificate(asksForOurs)
    const what = `${subject}, signed by ${issuer}, until ${formatDay(validTo)}`
    const isRequired = needsGoodCertificate({
      tls: this.#relay.terms.tls,
      implicitTls: this.#relay.implicitTls,
    })
    for (const { kind, message } of faults) {
      this.#note(
        'certificate',
        `${what}: ${message}`,
        isRequired ? 'bad' : 'warning',
        CERTIFICATE_ADVICE[kind],
      )
    }
    if (faults.length === 0) {
      if (validTo - this.#now < CERTIFICATE_WARNING_MS)
        this.#note('certificate', what, 'warning', 'it must be renewed soon')
      else this.#note('certificate', what)
      return
    }
    // Mail is not sent over such a connection, so no password is sent here either.
    if (isRequired) throw new ProbeStop('tls', 'nothing is sent to a server with such a certificate')
  }

  #note(
    step: ProbeFinding['step'],
    message: string,
    result: ProbeFinding['result'] = 'good',
    advice?: string,
  ): void {
    this.findings.push({ step, result, message, ...(advice === undefined ? {} : { advice }) })
  }
}
