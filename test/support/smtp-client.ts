import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** What one client says. */
export interface Submission {
  readonly from?: string
  readonly to: string | readonly string[]
  readonly subject?: string
  readonly body?: string
  /** AUTH PLAIN. */
  readonly auth?: { readonly user: string; readonly password: string }
}

/** An answer of the server that was not the wanted one. */
export class SmtpRefusal extends Error {
  constructor(
    readonly code: number,
    text: string,
  ) {
    super(text)
  }
}

/** One connection to an SMTP server, a command at a time. */
export class SmtpClient {
  readonly #socket: Socket
  readonly #lines: AsyncIterator<string>

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  }

  static async open(port: number, host = '127.0.0.1'): Promise<SmtpClient> {
    const socket = connect(port, host)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    socket.on('error', () => {})
    const client = new SmtpClient(socket)
    await client.#reply(220)
    await client.command('EHLO client.example', 250)
    return client
  }

  async #reply(wanted: number): Promise<string> {
    let text = ''
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done === true) throw new Error(`the connection ended, after "${text}"`)
      text += `${text === '' ? '' : '\n'}${value}`
      if (!/^\d{3} /.test(value)) continue
      const code = Number(value.slice(0, 3))
      if (code !== wanted) throw new SmtpRefusal(code, text)
      return text
    }
  }

  /** Says one line and gives the answer, which must have the wanted code. */
  async command(line: string, wanted: number): Promise<string> {
    this.#socket.write(`${line}\r\n`)
    return this.#reply(wanted)
  }

  async authenticate({ user, password }: { user: string; password: string }): Promise<void> {
    await this.command(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`, 235)
  }

  /** Sends one message and gives the server's answer to it. */
  async send(message: Submission): Promise<string> {
    const to = typeof message.to === 'string' ? [message.to] : message.to
    const from = message.from ?? 'sender@client.example'
    if (message.auth !== undefined) await this.authenticate(message.auth)
    await this.command(`MAIL FROM:<${from}>`, 250)
    for (const recipient of to) await this.command(`RCPT TO:<${recipient}>`, 250)
    await this.command('DATA', 354)
    const headers = [`From: <${from}>`, `To: ${to.join(', ')}`, `Subject: ${message.subject ?? 'test'}`]
    const body = (message.body ?? 'Hello').replaceAll(/^\./gm, '..')
    return this.command([...headers, '', body, '.'].join('\r\n'), 250)
  }

  async quit(): Promise<void> {
    await this.command('QUIT', 221)
    this.#socket.destroy()
  }

  /** Ends the connection without a word. */
  destroy(): void {
    this.#socket.destroy()
  }
}

/** Sends one message over a connection of its own. */
export async function submit(port: number, message: Submission): Promise<string> {
  const client = await SmtpClient.open(port)
  try {
    return await client.send(message)
  } finally {
    client.destroy()
  }
}
