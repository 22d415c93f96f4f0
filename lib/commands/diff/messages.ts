import { existsSync, readdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { messageOf, parseQueueName, readQueueFile } from '../../haraka-files/queue-file'
import { UsageError } from '../../model/errors'
import { toPrintable } from '../../model/printable'
import type { Configuration } from '../../routing/configuration'
import { domainOf, readMessage, splitWords, type WrittenMessage } from '../../rules/message-spec'
import { LONGEST_CONFIGURATION, readNamedFile } from '../../files/read-file'
import { unreadableError } from '../../files/unreadable'
import type { Arguments } from '../shared/parsed-arguments'
import type { Terminal } from '../shared/terminal'

/** A message, and its name in the output. */
export interface NamedMessage extends WrittenMessage {
  readonly name: string
}

async function readList(path: string, { cwd, input }: Terminal): Promise<string> {
  if (path === '-') return (await input()).toString('utf8')
  try {
    return readNamedFile(resolve(cwd, path), LONGEST_CONFIGURATION).bytes.toString('utf8')
  } catch (error) {
    throw unreadableError(`the list ${path}`, error)
  }
}

/**
 * The messages of a list, one on each line: `SENDER RECIPIENT [retries=N] ...`. Blank lines and those that begin with `#` or `;`
 * are ignored.
 *
 * @throws UsageError at the first line that cannot be read
 */
function parseList(text: string, name: string): readonly NamedMessage[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const [sender, recipient, ...words] = splitWords(line)
    if (sender === undefined || sender === '' || /^[#;]/.test(sender)) return []
    const place = `${name}:${index + 1}`
    if (recipient === undefined) throw new UsageError(`${place}: expected SENDER RECIPIENT [retries=N] ...`)
    const message = readMessage(sender, recipient, words)
    if ('word' in message) throw new UsageError(`${place}: ${message.message}`)
    return [{ ...message, name: [sender, '->', recipient, ...words].join(' ') }]
  })
}

/**
 * The messages of Haraka's queue folder. Other files are ignored. A message that cannot be read is only a warning, because the
 * queue changes in the meantime.
 */
function readQueue(folder: string, now: number, warn: (message: string) => void): readonly NamedMessage[] {
  let names: string[]
  try {
    names = readdirSync(folder).sort()
  } catch (error) {
    const isFile = (error as NodeJS.ErrnoException).code === 'ENOTDIR' && existsSync(folder)
    throw unreadableError(`the queue ${folder}`, isFile ? new Error('it is not a folder') : error)
  }
  return names
    .filter((name) => parseQueueName(name).nextAttempt !== undefined)
    .flatMap((name) => {
      try {
        const queued = readQueueFile(join(folder, name))
        const domain = domainOf(queued.domain)
        if (domain === undefined) throw new UsageError(`${name}: "${queued.domain}" is not a domain`)
        const message = messageOf(queued, domain, now)
        const { mailFrom, rcptTo } = message
        return [{ message, name: `${basename(name)} ${mailFrom || '<>'} -> ${rcptTo.join(', ')}` }]
      } catch (error) {
        warn(toPrintable(error instanceof Error ? error.message : String(error)))
        return []
      }
    })
}

/** The messages of section `[tests]` of some configurations, each once. */
function readTestMessages(configurations: readonly Configuration[]): readonly NamedMessage[] {
  const tests = configurations.flatMap((configuration) => configuration.tests)
  const messages = tests.map(({ message, text }) => ({ ...message, name: text.replace(/\s+:\s.*$/, '') }))
  return [...new Map(messages.map((message) => [message.name, message])).values()]
}

/**
 * The messages that `diff` compares: those of `--queue FOLDER` and of the list, else those of the `[tests]`.
 *
 * @throws UsageError if no messages are given, or they cannot be read
 */
export async function readMessages(
  args: Arguments,
  terminal: Terminal,
  configurations: readonly Configuration[],
): Promise<readonly NamedMessage[]> {
  const folder = args.value('queue')
  const list = args.operands[2]
  if (folder === undefined && list === undefined) {
    const tests = readTestMessages(configurations)
    if (tests.length > 0) return tests
    throw new UsageError('diff: which messages? Give a LIST or --queue FOLDER; neither file has [tests]')
  }
  const warn = (message: string) => terminal.err(`${message}\n`)
  return [
    ...(folder === undefined ? [] : readQueue(resolve(terminal.cwd, folder), terminal.now(), warn)),
    ...(list === undefined
      ? []
      : parseList(await readList(list, terminal), list === '-' ? 'standard input' : list)),
  ]
}
