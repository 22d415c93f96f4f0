import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { AddressAnswer } from '../../lib/model/dns-answer'
import type { Relay } from '../../lib/model/relay'
import { createTokenRequest } from '../../lib/oauth/token-request'
import type { ProbeServices, RelayReport } from '../../lib/smtp/probe'
import { Secret } from '../../lib/model/secret'
import { relayOf, type RelayFields } from './servers'

/** A certificate of the fixtures. */
export const pem = (name: string) => readFileSync(`test/fixtures/tls/${name}.pem`, 'utf8')

/** A certificate of the fixtures with its key. */
export const certificate = (name: string) => ({
  key: readFileSync(`test/fixtures/tls/${name}.key`, 'utf8'),
  cert: pem(name),
})

export const credentials = { user: 'fred', password: new Secret('Passw0rd') }

/** A relay of the configuration at a port of the loopback. */
export function relayAt(port: number, changes: Partial<RelayFields> = {}): Relay {
  return relayOf({ host: 'relay.example', port, ...changes })
}

/** What a probe is given: each name is 127.0.0.1, and the CA of the fixtures is trusted. */
export function probeServices(changes: Partial<ProbeServices> = {}): ProbeServices {
  const answer: AddressAnswer = {
    kind: 'addresses',
    addresses: ['127.0.0.1'],
    how: 'fresh',
    server: 'hosts',
    ttlSeconds: 0,
  }
  return {
    lookup: async () => answer,
    now: () => Date.UTC(2026, 0, 1),
    timeoutMs: 60_000,
    ca: [pem('ca')],
    askToken: createTokenRequest({ timeoutMs: 60_000, ca: [pem('ca')] }),
    ...changes,
  }
}

/** A relay on the loopback, closed when the test ends. @returns its port */
export async function startRelay(t: TestContext, options: SMTPServerOptions): Promise<number> {
  const server = new SMTPServer({ logger: false, authOptional: true, disableReverseLookup: true, ...options })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  t.after(() => new Promise<void>((resolve) => void server.close(() => resolve())))
  return (server.server.address() as AddressInfo).port
}

/** A server that sends the next reply for each packet it receives. @returns its port */
export async function startScript(t: TestContext, replies: readonly string[]): Promise<number> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    const rest = [...replies]
    const say = () => {
      const reply = rest.shift()
      if (reply !== undefined) socket.write(reply)
    }
    socket.on('error', () => undefined)
    socket.on('data', say)
    say()
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Accepts the user of `credentials`. */
export const acceptFred: NonNullable<SMTPServerOptions['onAuth']> = (auth, _session, callback) => {
  const { username, password, method, validatePassword } = auth as {
    username?: string
    password?: string
    method: string
    validatePassword?: (password: string) => boolean
  }
  const right = method === 'CRAM-MD5' ? validatePassword?.('Passw0rd') : password === 'Passw0rd'
  if (username === 'fred' && right === true) callback(null, { user: 'fred' })
  else callback(Object.assign(new Error('Authentication failed'), { responseCode: 535 }))
}

/** The findings of the one address, as `step result`. */
export function stepsOf(report: RelayReport): string[] {
  return report.addresses.flatMap(({ findings }) => findings.map(({ step, result }) => `${step} ${result}`))
}

/** The last finding of a step. */
export function findingOf(report: RelayReport, step: string) {
  const all = [...report.findings, ...report.addresses.flatMap(({ findings }) => findings)]
  const found = all.findLast((candidate) => candidate.step === step)
  assert.ok(found, `there is a finding about ${step}`)
  return found
}
