import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Configuration } from '../../routing/configuration'
import { UsageError } from '../../model/errors'
import { parseTests } from '../../rules/expectations'
import { domainOf, readMessage, type WrittenMessage } from '../../rules/message-spec'
import { whyUnreadable } from '../../source/unreadable'
import { parseQueueName, readQueueFile } from '../../haraka-files/queue-file'

/** A message and how it is named when something is said of it. */
export interface NamedMessage extends WrittenMessage {
  readonly name: string
}

/**
 * A list of messages, one a line: `SENDER RECIPIENT [retries=N] ...`. Blank lines and those that begin with `#` or `;` are
 * passed over.
 *
 * @param path `-` is the standard input.
 * @throws UsageError at the first line that cannot be read.
 */
export function messagesOfList(path: string): readonly NamedMessage[] {
  let text: string
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (error) {
    throw new UsageError(`cannot read the list ${path}: ${whyUnreadable(error)}`)
  }
  return text.split(/\r?\n/).flatMap((line, index) => {
    const [sender, recipient, ...words] = line.trim().split(/\s+/)
    if (sender === undefined || sender === '' || /^[#;]/.test(sender)) return []
    const place = `${path === '-' ? 'standard input' : path}:${index + 1}`
    if (recipient === undefined) throw new UsageError(`${place}: expected SENDER RECIPIENT [retries=N] ...`)
    const message = readMessage(sender, recipient, words)
    if ('word' in message) throw new UsageError(`${place}: ${message.message}`)
    return [{ ...message, name: [sender, '->', recipient, ...words].join(' ') }]
  })
}

/**
 * The messages of Haraka's queue folder. Files that are no messages are passed over; one that cannot be read is told, and
 * passed over too: mail moves while we look.
 */
export function messagesOfQueue(folder: string, warn: (message: string) => void): readonly NamedMessage[] {
  let names: string[]
  try {
    names = readdirSync(folder).sort()
  } catch (error) {
    throw new UsageError(`cannot read the queue ${folder}: ${whyUnreadable(error)}`)
  }
  return names
    .filter((name) => parseQueueName(name).nextAttempt !== undefined)
    .flatMap((name) => {
      try {
        const { mailFrom, recipients, domain, size, retries, authSender, rotationOffset } = readQueueFile(
          join(folder, name),
        )
        const to = domainOf(domain)
        if (to === undefined) throw new UsageError(`${name}: "${domain}" is no domain`)
        const message = { domain: to, mailFrom, authSender, size, retries, rotationOffset }
        return [{ message, name: `${basename(name)} ${mailFrom || '<>'} -> ${recipients.join(', ')}` }]
      } catch (error) {
        warn(error instanceof Error ? error.message : String(error))
        return []
      }
    })
}

/** The messages of the `[tests]` of some files, each once. */
export function messagesOfTests(configurations: readonly Configuration[]): readonly NamedMessage[] {
  const tests = configurations.flatMap(({ settings, file }) => parseTests(settings.tests.lines, file).tests)
  const messages = tests.map(({ message, text }) => ({ ...message, name: text.replace(/\s+:\s.*$/, '') }))
  return [...new Map(messages.map((message) => [message.name, message])).values()]
}
