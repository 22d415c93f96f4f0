import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** One conversation as the script sees it. */
export interface Conversation {
  readonly secure: boolean
  /** Connections before this one. */
  readonly number: number
}

/**
 * What a server says to a line (its verb in capitals; `CONNECT` for the greeting, `.` for the end of the message, `?` for a line
 * of AUTH): the whole reply without the last line end, `close` to end the connection instead or after it, `silence` to say nothing,
 * undefined for what a usual server says.
 */
export type Script = (verb: string, rest: string, conversation: Conversation) => string | undefined

export interface ScriptedOptions {
  readonly script?: Script
  /** Settles when it may say what it says to this verb. */
  readonly pause?: (verb: string) => Promise<void> | undefined
  /** Lines of the answer to EHLO. */
  readonly capabilities?: readonly string[] | ((conversation: Conversation) => readonly string[])
  /** Name of a certificate in test/fixtures/tls. */
  readonly certificate?: string
  readonly implicitTls?: boolean
  /** Says yes to STARTTLS, and ends the connection when TLS begins. */
  readonly breaksHandshake?: boolean
}

/** One message that was taken. */
export interface Taken {
  readonly mailFrom: string
  readonly rcptTo: readonly string[]
  readonly data: string
  readonly secure: boolean
}

/** A server that says what a test makes it say, also what no good server says. */
export interface Scripted {
  readonly port: number
  /** Every line of every client, with `TLS ` before those that came encrypted. */
  readonly lines: readonly string[]
  readonly taken: readonly Taken[]
  readonly connections: () => number
  /** Connections open now, and the most there ever were. */
  readonly open: () => number
  readonly most: () => number
  /** Replaces the script from now on. */
  script: (script: Script | undefined) => void
  onReceived: (listener: () => void) => void
  close: () => Promise<void>
}

const USUAL: Readonly<Record<string, string>> = {
  CONNECT: '220 scripted.example ESMTP',
  HELO: '250 scripted.example',
  STARTTLS: '220 Go ahead',
  AUTH: '235 Welcome',
  '?': '235 Welcome',
  MAIL: '250 Sender fine',
  RCPT: '250 Recipient fine',
  DATA: '354 Go on',
  '.': '250 Taken',
  QUIT: '221 Bye',
  RSET: '250 Fine',
}

/** Starts a server on a port of its own; the caller closes it. */
export async function startScripted(options: ScriptedOptions = {}): Promise<Scripted> {
  const lines: string[] = []
  const taken: Taken[] = []
  const listeners: (() => void)[] = []
  const sockets = new Set<Socket>()
  const leaving = new Set<Socket>()
  let connections = 0
  let most = 0
  let { script } = options

  const secureSocket = (socket: Socket) =>
    new TLSSocket(socket, {
      isServer: true,
      key: readFileSync(`test/fixtures/tls/${options.certificate ?? 'server'}.key`),
      cert: readFileSync(`test/fixtures/tls/${options.certificate ?? 'server'}.pem`),
    })

  const serve = (plain: Socket) => {
    const number = connections++
    sockets.add(plain)
    most = Math.max(most, sockets.size)
    plain.on('close', () => {
      sockets.delete(plain)
      leaving.delete(plain)
    })
    plain.on('error', () => {})
    let socket: Socket = plain
    let secure = options.implicitTls === true
    let inData = false
    let inAuth = false
    let buffered = ''
    let envelope = { mailFrom: '', rcptTo: [] as string[], data: '' }

    const say = (verb: string, rest: string): string => {
      const conversation = { secure, number }
      const wanted = script?.(verb, rest, conversation)
      if (wanted !== undefined) return wanted
      if (verb !== 'EHLO' && verb !== 'LHLO') return USUAL[verb] ?? '500 What?'
      const { capabilities = [] } = options
      const all = [
        'scripted.example',
        ...(typeof capabilities === 'function' ? capabilities(conversation) : capabilities),
      ]
      return all.map((text, i) => `250${i === all.length - 1 ? ' ' : '-'}${text}`).join('\r\n')
    }
    const reply = (verb: string, rest = ''): string => {
      const text = say(verb, rest)
      const answer = () => {
        if (text === 'close') socket.destroy()
        else if (text.endsWith('\r\nclose')) socket.end(text.slice(0, -'close'.length))
        else if (text !== 'silence' && !socket.destroyed) socket.write(`${text}\r\n`)
      }
      const pause = options.pause?.(verb)
      if (pause === undefined) answer()
      else void pause.then(answer)
      return text
    }
    const finish = () => {
      inData = false
      if (reply('.').startsWith('2')) {
        taken.push({ ...envelope, secure })
        for (const listener of listeners) listener()
      }
      envelope = { mailFrom: '', rcptTo: [], data: '' }
    }
    const heard = (line: string) => {
      if (inData) {
        if (line === '.') finish()
        else envelope.data += `${line}\r\n`
        return
      }
      lines.push(`${secure ? 'TLS ' : ''}${line}`)
      if (inAuth) {
        inAuth = reply('?', line).startsWith('334')
        return
      }
      const [, verb = '', rest = ''] = /^(\S+) ?(.*)$/.exec(line) ?? []
      const text = reply(verb.toUpperCase(), rest)
      switch (verb.toUpperCase()) {
        case 'MAIL':
          envelope = { mailFrom: /<(.*)>/.exec(rest)?.[1] ?? '', rcptTo: [], data: '' }
          break
        case 'RCPT':
          if (text.startsWith('2')) envelope.rcptTo.push(/<(.*)>/.exec(rest)?.[1] ?? '')
          break
        case 'AUTH':
          inAuth = text.startsWith('334')
          break
        case 'DATA':
          inData = text.startsWith('354')
          break
        case 'STARTTLS':
          if (text.startsWith('220')) upgrade()
          break
        case 'QUIT':
          // The session ends with this answer, though the socket may be seen to close later.
          sockets.delete(plain)
          leaving.add(plain)
          socket.end()
          break
      }
    }
    const listen = () => {
      socket.on('error', () => socket.destroy())
      socket.on('data', (data) => {
        buffered += data.toString('latin1')
        for (let end = buffered.indexOf('\n'); end >= 0; end = buffered.indexOf('\n')) {
          const line = buffered.slice(0, end).replace(/\r$/, '')
          buffered = buffered.slice(end + 1)
          heard(line)
        }
      })
    }
    const upgrade = () => {
      plain.removeAllListeners('data')
      if (options.breaksHandshake === true) {
        plain.once('data', () => plain.destroy())
        return
      }
      secure = true
      socket = secureSocket(plain)
      listen()
    }
    if (secure) socket = secureSocket(plain)
    listen()
    reply('CONNECT')
  }

  const server = createServer(serve)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as AddressInfo).port,
    lines,
    taken,
    connections: () => connections,
    open: () => sockets.size,
    most: () => most,
    script: (next) => void (script = next),
    onReceived: (listener) => void listeners.push(listener),
    close: () => {
      for (const socket of [...sockets, ...leaving]) socket.destroy()
      return new Promise((done) => server.close(() => done()))
    },
  }
}
