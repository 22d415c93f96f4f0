import type { HarakaServer } from './haraka-server'

/** Messages that are handed in at the same time. */
const AT_ONCE = 8

/** Hands in one message for each list of recipients. */
export async function sendAll(haraka: HarakaServer, lists: readonly (readonly string[])[]): Promise<void> {
  const waiting = [...lists]
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let to = waiting.shift(); to !== undefined; to = waiting.shift()) {
        await haraka.send({ from: 's@client.example', to: [...to] })
      }
    }),
  )
}

/** The recipients that these reports say are not delivered to (RFC 3464 section 2.3.2). */
export function reportedRecipients(reports: readonly { readonly data: string }[]): string[] {
  return reports.flatMap(({ data }) =>
    [...data.matchAll(/^Final-Recipient: rfc822;(.*)\r$/gm)].map(([, recipient]) => recipient!),
  )
}
