import { parseEndpoint, SMTP_PORT, type Endpoint } from '../model/endpoint'
import { readMainSettings } from './ini-sections'

/** What of Haraka's `smtp.ini` says where it takes mail; a number where haraka-config has read one. */
export interface ListenSettings {
  readonly listen?: unknown
  readonly listen_host?: unknown
  readonly port?: unknown
}

const textOf = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''

/**
 * The addresses and ports at which Haraka takes mail (Haraka `server.js`, `get_listen_addrs`): `listen`, `listen_host` with `port`,
 * and without any of them every address at port 25. What cannot be read is left out, as Haraka does.
 */
export function listenEndpoints(settings: ListenSettings): readonly Endpoint[] {
  const listens = textOf(settings.listen).split(',')
  const port = textOf(settings.port)
  if (port !== '') listens.push(`${textOf(settings.listen_host) || '[::0]'}:${port}`)
  const written = listens.map((text) => text.trim()).filter((text) => text !== '')
  return (written.length === 0 ? ['[::0]'] : written).flatMap((text) => {
    const reading = parseEndpoint(text)
    return reading.ok ? [{ host: reading.host, port: reading.port ?? SMTP_PORT }] : []
  })
}

/** As {@link listenEndpoints}, from the text of `smtp.ini`; undefined where there is no such file. */
export function parseListenEndpoints(text: string | undefined): readonly Endpoint[] {
  return listenEndpoints(Object.fromEntries(readMainSettings(text ?? '')))
}
