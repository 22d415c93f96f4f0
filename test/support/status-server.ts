import { HarakaServer, type HarakaOptions, type Source } from './haraka-server'

/** A Haraka with its HTTP server on. It has another address than 127.0.0.1, by which the tests know SMTP. */
export async function startWithHttp(options: HarakaOptions): Promise<{ haraka: HarakaServer; root: string }> {
  const haraka = await HarakaServer.start({
    ...options,
    files: { 'config/http.ini': 'listen=127.0.0.2:0\n', ...options.files },
  })
  const listening = /Listening on 127\.0\.0\.2:(\d+)/g
  const wanted = Math.max(1, options.nodes ?? 0)
  await haraka.waitFor(() => [...haraka.log.matchAll(listening)].length >= wanted, 'HTTP')
  const [[, port = ''] = []] = [...haraka.log.matchAll(listening)]
  return { haraka, root: `http://127.0.0.2:${port}/dns-overrides` }
}

/** Makes `waitFor` look again and again: what a server reports says nothing when it changes. */
export function every(milliseconds: number): Source {
  return { onReceived: (listener) => void setInterval(listener, milliseconds).unref() }
}

/** Asks until the answer is as wanted. @returns the answer */
export async function fetchUntil(url: string, isWanted: (text: string) => boolean): Promise<string> {
  const end = performance.now() + 120_000
  for (;;) {
    const text = await (await fetch(url)).text()
    if (isWanted(text)) return text
    if (performance.now() > end) throw new Error(`waited in vain for an answer of ${url}:\n${text}`)
    await new Promise((done) => setTimeout(done, 100))
  }
}
