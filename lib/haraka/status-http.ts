import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import type { StatusResponder } from '../status/responder'
import type { HarakaPlugin } from '../haraka-objects/plugin'

/** Haraka's `server.js`, as far as the HTTP server goes. */
export interface HarakaHttpServer {
  readonly http?: {
    /** `http.ini` */
    readonly cfg?: { readonly listen?: unknown }
    /** There once express is loaded. */
    readonly app?: HttpApplication
  }
}

type Handler = (request: IncomingMessage & { originalUrl?: string }, response: ServerResponse) => void

/** An application of express. */
interface HttpApplication {
  use(path: string, handler: Handler): unknown
}

/** Where the pages are. */
const STATUS_PATH = '/dns-overrides'

/**
 * Mounts the status page. To be called by the hook `init_http` and without waiting: Haraka 3.3.4 (`server.js`
 * `setup_http_listeners`) adds its static files and its 404 as soon as `run_hooks` returns.
 *
 * @param onError called with what goes wrong with a request
 */
export function mountStatus(
  { http }: HarakaHttpServer,
  responder: StatusResponder,
  onError: (message: string) => void,
): void {
  http?.app?.use(STATUS_PATH, (request, response) => {
    answer(request, response, responder).catch((error: unknown) => {
      onError(`a request for the status page failed: ${inspect(error)}`)
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' })
      response.end('500: see the log\n')
    })
  })
}

async function answer(
  request: IncomingMessage & { originalUrl?: string },
  response: ServerResponse,
  responder: StatusResponder,
): Promise<void> {
  const { originalUrl = '', method = '', headers, socket } = request
  // A request with Forwarded (RFC 7239) alone has passed a proxy too. It is refused, because its value is not a list of addresses.
  const forwarded = headers['x-forwarded-for'] ?? headers.forwarded
  const {
    status,
    headers: own,
    body,
  } = await responder.answer({
    method,
    // Not express' own `url`, which adds the slash that is missing after the path. The target may be a whole URL (RFC 9112 3.2.2).
    url: originalUrl.replace(/^[a-z]+:\/\/[^/?]*/i, '').slice(STATUS_PATH.length),
    client: {
      address: socket.remoteAddress,
      forwardedFor: Array.isArray(forwarded) ? forwarded.join(',') : forwarded,
    },
  })
  response.writeHead(status, { ...own, 'content-length': Buffer.byteLength(body) }).end(body)
}

/**
 * Is the HTTP server asked for (`http.ini` `listen`) while express, which is not among Haraka's own dependencies, is missing? Then
 * Haraka calls no hook.
 */
export function lacksExpress(plugin: HarakaPlugin): boolean {
  const { server } = plugin.haraka_require('plugins') as { server?: HarakaHttpServer }
  if (!server?.http?.cfg?.listen) return false
  try {
    // As Haraka does: from its own folder.
    createRequire(require.main?.filename ?? __filename).resolve('express')
    return false
  } catch {
    return true
  }
}
