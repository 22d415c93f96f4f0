import { request } from 'node:https'
import { rootCertificates } from 'node:tls'
import { TokenError } from './token-error'

/** The longest answer that is read, bytes. A token with many claims has about 10 KiB. */
const LONGEST_ANSWER = 128 * 1024

/** How to ask the token endpoint. */
export interface PostOptions {
  /** For the whole exchange, milliseconds. */
  readonly timeoutMs: number
  /** Certificate authorities that are trusted besides the system's, PEM. */
  readonly ca?: readonly string[]
}

/** The part of a `fetch` request that oauth4webapi uses. */
interface PostRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: URLSearchParams
}

/** What an HTTP server answered. */
interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  readonly retryAfter: string | undefined
  readonly location: string | undefined
  readonly body: string
}

/**
 * A `fetch` for one POST over HTTPS. It follows no redirect, keeps no connection, and reads an answer only up to a limit.
 *
 * @returns a function that rejects with a TokenError
 */
export function httpsPost(options: PostOptions): (url: string, init: PostRequest) => Promise<Response> {
  return async (url, init) => {
    const answer = await post(new URL(url), init, options)
    if (answer.status >= 300 && answer.status < 400) {
      throw new TokenError(`redirects to ${hostOf(answer.location)}, which is not followed`)
    }
    const headers = { 'content-type': answer.contentType }
    const { retryAfter } = answer
    return new Response(answer.status === 204 ? null : withoutIdentity(answer.body), {
      status: answer.status >= 200 ? answer.status : 502,
      headers: retryAfter === undefined ? headers : { ...headers, 'retry-after': retryAfter },
    })
  }
}

function post(
  url: URL,
  { method, headers, body }: PostRequest,
  { timeoutMs, ca }: PostOptions,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (message: string) => {
      clearTimeout(timer)
      reject(new TokenError(message))
      sent.destroy()
    }
    const text = body.toString()
    const sent = request(
      url,
      {
        method,
        // No connection is kept: the next token is needed in an hour.
        agent: false,
        rejectUnauthorized: true,
        headers: { ...headers, 'content-length': Buffer.byteLength(text) },
        ...(ca === undefined ? {} : { ca: [...rootCertificates, ...ca] }),
      },
      (response) => {
        const chunks: Buffer[] = []
        let length = 0
        response.on('data', (chunk: Buffer) => {
          length += chunk.length
          if (length > LONGEST_ANSWER) fail(`answers with more than ${LONGEST_ANSWER / 1024} KiB`)
          else chunks.push(chunk)
        })
        response.on('error', (error) => fail(explainError(error)))
        response.on('end', () => {
          clearTimeout(timer)
          resolve({
            status: response.statusCode ?? 0,
            contentType: response.headers['content-type'] ?? '',
            retryAfter: response.headers['retry-after'],
            location: response.headers.location,
            body: Buffer.concat(chunks).toString('utf8'),
          })
        })
      },
    )
    const timer = setTimeout(() => fail(`does not answer within ${timeoutMs / 1000} s`), timeoutMs)
    sent.on('error', (error) => fail(explainError(error)))
    sent.end(text)
  })
}

function hostOf(location: string | undefined): string {
  try {
    return new URL(location ?? '').host
  } catch {
    return 'another address'
  }
}

function explainError(error: Error): string {
  const { code } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ECONNREFUSED':
      return 'refuses the connection'
    case 'ECONNRESET':
      return 'closes the connection'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'has no address'
    case 'CERT_HAS_EXPIRED':
      return 'has a certificate that has expired'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'has a certificate for another name'
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'has a certificate of an unknown authority'
    default:
      return `cannot be reached: ${code ?? error.message}`
  }
}

/**
 * The answer without its `id_token` (OpenID Connect Core section 3.1.3.3). The identity of the user is not needed, and the library would
 * check it against an issuer that is not configured. Text that is not JSON is not changed.
 */
function withoutIdentity(body: string): string {
  if (!body.includes('"id_token"')) return body
  try {
    const { id_token: _, ...rest } = JSON.parse(body) as Record<string, unknown>
    return JSON.stringify(rest)
  } catch {
    return body
  }
}
