import { createServer, type AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { HarakaServer, type HarakaOptions } from './haraka-server'
import { startScripted, type Script, type Scripted, type ScriptedOptions } from './smtp-scripted'

/** A server that ends with the test. */
export async function startRelay(t: TestContext, options: ScriptedOptions = {}): Promise<Scripted> {
  const server = await startScripted(options)
  t.after(() => server.close())
  return server
}

/** A Haraka that ends with the test. */
export async function startHaraka(
  t: TestContext,
  overrides: string,
  more: Partial<HarakaOptions> = {},
): Promise<HarakaServer> {
  const server = await HarakaServer.start({ overrides, outbound: ['temp_fail_intervals=5s*20'], ...more })
  t.after(() => server.close())
  return server
}

/** A port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

/** A section of the configuration for a relay at a port of the loopback. */
export const relaySection = (name: string, port: number, ...lines: string[]) =>
  [`[relay:${name}]`, 'host = 127.0.0.1', `port = ${port}`, ...lines, ''].join('\n')

/** Recipients of all messages that the servers accepted, sorted. */
export const recipients = (...servers: readonly Scripted[]) =>
  servers.flatMap(({ taken }) => taken.flatMap(({ rcptTo }) => rcptTo)).sort()

/** Attempts that Haraka has counted, by the name of the queue file. */
export const counted = (server: HarakaServer) => server.queueFiles().map((name) => Number(name.split('_')[2]))

/** Waits until the queue is empty. */
export const empty = (server: HarakaServer, ...sources: readonly Scripted[]) =>
  server.waitFor(() => server.queueFiles().length === 0, 'an empty queue', sources)

/** Makes Haraka try all deferred messages now (`haraka.js`, SIGHUP). */
export const flush = (server: HarakaServer) => process.kill(server.pid, 'SIGHUP')

/** A script that answers one command. */
export const says =
  (verb: string, text: string): Script =>
  (said) =>
    said === verb ? text : undefined

/** The log line of a bounce. */
export const BOUNCE = /bouncing mail/
