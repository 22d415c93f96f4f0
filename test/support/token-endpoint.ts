import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'

/** What the endpoint answers to one request. */
export interface TokenAnswer {
  /** @default 200 */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON, or a text as it is. */
  readonly body: object | string
}

/** Answers a request; undefined: with a new token that is good for an hour. May wait. */
export type TokenAnswerer = (
  parameters: URLSearchParams,
  number: number,
) => TokenAnswer | undefined | Promise<TokenAnswer | undefined>

/** A real token endpoint over HTTPS on the loopback. */
export interface TokenEndpoint {
  readonly port: number
  readonly url: string
  /** What was asked, in order. */
  readonly requests: readonly URLSearchParams[]
  /** Tokens that were given, in order. */
  readonly tokens: readonly string[]
  /** Replaces the answers from now on. */
  answer: TokenAnswerer
  /** Called at once for every request. */
  onReceived: (listener: () => void) => void
  close: () => Promise<void>
}

/** A token as long as Microsoft's are. */
export const longToken = (number: number) => `tok${number}-${'AbCdEfGh01'.repeat(150)}-end${number}`

/**
 * Starts an endpoint; the caller closes it.
 *
 * @param certificate name of a certificate in test/fixtures/tls
 */
export async function startTokenEndpoint(
  answer: TokenAnswerer = () => undefined,
  { certificate = 'server', port = 0 }: { readonly certificate?: string; readonly port?: number } = {},
): Promise<TokenEndpoint> {
  const requests: URLSearchParams[] = []
  const tokens: string[] = []
  const listeners: (() => void)[] = []
  const server = createServer({
    key: readFileSync(`test/fixtures/tls/${certificate}.key`),
    cert: readFileSync(`test/fixtures/tls/${certificate}.pem`),
  })
  server.on('request', (request: IncomingMessage, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const parameters = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
      const number = requests.push(parameters) - 1
      for (const listener of listeners) listener()
      void Promise.resolve(endpoint.answer(parameters, number)).then((given) => {
        const token = longToken(number)
        const {
          status = 200,
          headers,
          body,
        } = given ?? {
          body: { access_token: token, token_type: 'Bearer', expires_in: 3600 },
        }
        const found = typeof body === 'object' ? (body as { access_token?: unknown }).access_token : undefined
        if (typeof found === 'string') tokens.push(found)
        response.writeHead(status, { 'content-type': 'application/json', ...headers })
        response.end(typeof body === 'string' ? body : JSON.stringify(body))
      })
    })
  })
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  const listening = (server.address() as AddressInfo).port
  const endpoint: TokenEndpoint = {
    port: listening,
    url: `https://localhost:${listening}/token`,
    requests,
    tokens,
    answer,
    onReceived: (listener) => void listeners.push(listener),
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
  return endpoint
}
