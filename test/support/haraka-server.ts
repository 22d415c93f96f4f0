import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { submit, type Submission } from './smtp-client'

/** A folder in which npm has installed a Haraka and the packed plugin. */
export interface InstalledFolder {
  readonly folder: string
  /** Name of Haraka's package: `Haraka` up to 3.2, `haraka` from 3.3. */
  readonly haraka: string
}

export interface HarakaOptions {
  /** Where to run. Absent: a new folder, with this project's Haraka and the plugin as compiled together with this test. */
  readonly installed?: InstalledFolder
  /** Content of `config/dns_overrides.ini`. */
  readonly overrides: string
  /** Worker processes; 0 (default): one process without cluster. */
  readonly nodes?: number
  readonly loglevel?: string
  /** Lines of `config/outbound.ini`. */
  readonly outbound?: readonly string[]
  /** Users who may authenticate, and their passwords. */
  readonly users?: Readonly<Record<string, string>>
  /** Further files of the folder, by path. */
  readonly files?: Readonly<Record<string, string>>
  /** Further plugins: name and source. Listed after dns-overrides. */
  readonly plugins?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
}

/** Lets everybody relay: the tests are about what comes after. */
const RELAY_ALL = `
exports.hook_connect = (next, connection) => { connection.relaying = true; next() }
exports.hook_rcpt = (next) => next(OK)
`

/** The Haraka of this project. */
const HARAKA = dirname(require.resolve('haraka/package.json'))

/** Longest wait for anything, in milliseconds: a bound for what has gone wrong, not a pause. */
const PATIENCE = 120_000
/** How often a condition is looked at when nothing is reported, milliseconds. */
const LOOK_AGAIN_MS = 500

/** Something beside Haraka that may make a condition hold. */
export interface Source {
  onReceived: (listener: () => void) => void
}

/** Haraka's log and end, as events: `text` (log grew), `exit`. */
type Events = { text: []; exit: [] }

/**
 * A real Haraka in a folder of its own, with the plugin as it was compiled together with this test. Everything it logs is kept.
 */
export class HarakaServer {
  readonly folder: string
  /** Folder of the Haraka package that runs. */
  readonly #haraka: string
  readonly #events = new EventEmitter<Events>()
  #process: ChildProcess | undefined
  #log = ''
  #port = 0

  private constructor(readonly options: HarakaOptions) {
    const { installed } = options
    this.folder = installed?.folder ?? mkdtempSync(join(tmpdir(), 'dns-overrides-haraka-'))
    this.#haraka = installed === undefined ? HARAKA : join(installed.folder, 'node_modules', installed.haraka)
    this.#events.setMaxListeners(0)
    this.#install()
  }

  /** Makes the folder, and starts nothing. */
  static install(options: HarakaOptions): HarakaServer {
    return new HarakaServer(options)
  }

  /** Makes the folder and starts the server. */
  static async start(options: HarakaOptions): Promise<HarakaServer> {
    const server = new HarakaServer(options)
    try {
      await server.restart()
    } catch (error) {
      // A server that still runs would keep the test's process alive for ever.
      await server.close()
      throw error
    }
    return server
  }

  /** Makes the folder and starts a server that ends by itself; gives its exit code. */
  static async startAndFail(options: HarakaOptions): Promise<{ code: number | null; log: string }> {
    const server = new HarakaServer(options)
    server.#spawn()
    try {
      await server.waitFor(
        () => server.#process === undefined || server.#process.exitCode !== null,
        'the end',
      )
      return { code: server.#process?.exitCode ?? null, log: server.log }
    } finally {
      await server.close()
    }
  }

  #install(): void {
    const { nodes = 0, users, plugins = {}, installed } = this.options
    const linked = {
      'node_modules/haraka-plugin-dns-overrides/package.json': JSON.stringify({
        name: 'haraka-plugin-dns-overrides',
        main: resolve(__dirname, '..', '..', 'index.js'),
      }),
    }
    const files: Record<string, string> = {
      'config/smtp.ini': `listen=127.0.0.1:0\nnodes=${nodes}\n`,
      'config/me': 'haraka.example\n',
      'config/loglevel': this.options.loglevel ?? 'INFO',
      'config/plugins': [
        'relay-all',
        ...(users === undefined ? [] : ['auth/flat_file']),
        'dns-overrides',
        ...Object.keys(plugins),
      ].join('\n'),
      'config/outbound.ini': (
        this.options.outbound ?? ['temp_fail_intervals=5s*10', 'local_mx_ok=true']
      ).join('\n'),
      'config/tls.ini': '',
      'config/dns_overrides.ini': this.options.overrides,
      'plugins/relay-all.js': RELAY_ALL,
      ...(installed === undefined ? linked : {}),
      ...Object.fromEntries(Object.entries(plugins).map(([name, source]) => [`plugins/${name}.js`, source])),
      ...this.options.files,
    }
    if (users !== undefined) {
      const lines = Object.entries(users).map(([user, password]) => `${user}=${password}`)
      files['config/auth_flat_file.ini'] = ['[core]', 'methods=PLAIN', '[users]', ...lines].join('\n')
    }
    for (const [path, text] of Object.entries(files)) this.write(path, text)
    for (const name of ['connection.ini', 'outbound.bounce_message']) {
      copyFileSync(join(this.#haraka, 'config', name), join(this.folder, 'config', name))
    }
    mkdirSync(join(this.folder, 'queue'), { recursive: true })
    mkdirSync(join(this.folder, 'docs'), { recursive: true })
    copyFileSync(join(this.#haraka, 'docs', 'Plugins.md'), join(this.folder, 'docs', 'Plugins.md'))
  }

  /** Writes a file of the folder. */
  write(path: string, text: string): void {
    const full = join(this.folder, path)
    mkdirSync(dirname(full), { recursive: true })
    writeFileSync(full, text)
  }

  #spawn(): void {
    const child = spawn(process.execPath, [join(this.#haraka, 'bin', 'haraka'), '-c', this.folder], {
      cwd: this.folder,
      // A process group of its own, so that its workers end with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_ENV: 'production', ...this.options.env },
    })
    this.#process = child
    const keep = (chunk: string) => {
      this.#log += chunk
      this.#events.emit('text')
    }
    child.stdout.setEncoding('utf8').on('data', keep)
    child.stderr.setEncoding('utf8').on('data', keep)
    child.on('close', () => {
      // One that was ended may close its output when its successor runs already.
      if (this.#process === child) this.#events.emit('exit')
    })
  }

  /** Starts the server again on the same folder, and waits until all its workers listen. */
  async restart(): Promise<void> {
    const from = this.mark()
    this.#spawn()
    const wanted = Math.max(1, this.options.nodes ?? 0)
    const listening = /Listening on 127\.0\.0\.1:(\d+)/g
    await this.waitFor(() => [...this.since(from).matchAll(listening)].length >= wanted, 'listening')
    this.#port = Number([...this.since(from).matchAll(listening)][0]![1])
  }

  get port(): number {
    return this.#port
  }

  get pid(): number {
    return this.#process!.pid!
  }

  /** Everything logged since the first start. */
  get log(): string {
    return this.#log
  }

  /** A place in the log, for {@link since}. */
  mark(): number {
    return this.#log.length
  }

  since(mark: number): string {
    return this.#log.slice(mark)
  }

  /** Lines of the log that match, since a place in it. */
  lines(pattern: RegExp, mark = 0): string[] {
    return this.since(mark)
      .split('\n')
      .filter((line) => pattern.test(line))
  }

  /** Calls the listener whenever the log has grown. */
  onLog(listener: () => void): void {
    this.#events.on('text', listener)
  }

  /** Names of the files in the queue, without those that are being written. */
  queueFiles(): string[] {
    return readdirSync(join(this.folder, 'queue')).filter((name) => !name.startsWith('__tmp__'))
  }

  /** How many messages of the queue each worker has, by its process id (`outbound/qfile.js`). */
  queuedByWorker(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const name of this.queueFiles()) {
      const pid = name.split('_')[3]!
      counts.set(pid, (counts.get(pid) ?? 0) + 1)
    }
    return counts
  }

  /** Has every worker so many messages in the queue? Nobody says which worker gets which connection. */
  everyWorkerHas(count: number): boolean {
    const counts = [...this.queuedByWorker().values()]
    return counts.length >= Math.max(1, this.options.nodes ?? 0) && counts.every((each) => each >= count)
  }

  /**
   * Waits until the condition holds: it is looked at whenever the log or the queue changes, or one of the sources tells, and now and then.
   *
   * @throws Error with the log, after {@link PATIENCE} or when the server has ended before.
   */
  async waitFor(
    condition: () => boolean,
    what: string,
    sources: readonly Source[] = [],
    patience = PATIENCE,
  ): Promise<void> {
    if (condition()) return
    await new Promise<void>((done, reject) => {
      const finish = (error?: Error) => {
        clearTimeout(timer)
        clearInterval(again)
        watcher.close()
        this.#events.off('text', look)
        this.#events.off('exit', ended)
        if (error === undefined) done()
        else reject(error)
      }
      const look = () => {
        if (condition()) finish()
      }
      const ended = () =>
        finish(condition() ? undefined : new Error(`Haraka ended before: ${what}\n${this.#log}`))
      const timer = setTimeout(() => finish(new Error(`waited in vain for: ${what}\n${this.#log}`)), patience)
      const watcher = watch(join(this.folder, 'queue'), look)
      // A file that is renamed while the folder is read is in neither list, and nothing else may happen after that.
      const again = setInterval(look, LOOK_AGAIN_MS)
      this.#events.on('text', look)
      this.#events.on('exit', ended)
      for (const source of sources) source.onReceived(look)
    })
  }

  /** Waits for a line of the log, since a place in it. */
  async waitForLog(pattern: RegExp, mark = 0, patience = PATIENCE): Promise<string> {
    await this.waitFor(() => this.lines(pattern, mark).length > 0, String(pattern), [], patience)
    return this.lines(pattern, mark)[0]!
  }

  /**
   * Makes Haraka try its deferred messages (`haraka.js`: SIGHUP) until the condition holds. Asked again and again, because a
   * message is for a moment neither in a file of that name nor yet among those that the signal reaches.
   */
  async flushUntil(condition: () => boolean, what: string, sources: readonly Source[] = []): Promise<void> {
    const flush = () => process.kill(this.pid, 'SIGHUP')
    flush()
    const timer = setInterval(flush, 250)
    try {
      await this.waitFor(condition, what, sources)
    } finally {
      clearInterval(timer)
    }
  }

  /** Hands in one message. */
  async send(message: Submission): Promise<string> {
    return submit(this.#port, message)
  }

  async #end(signal: NodeJS.Signals, group: boolean): Promise<void> {
    const child = this.#process
    if (child?.pid === undefined) return
    const gone = child.exitCode !== null || child.signalCode !== null
    const closed = gone ? Promise.resolve() : new Promise<void>((done) => child.once('exit', () => done()))
    if (!gone) process.kill(group ? -child.pid : child.pid, signal)
    await closed
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // The group has no process left, as it should.
    }
  }

  /** Waits until the main process has ended by itself or was killed. */
  async waitForExit(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    await once(child, 'exit', { signal: AbortSignal.timeout(PATIENCE) })
  }

  /** Ends the server as an operator does. */
  async stop(): Promise<void> {
    await this.#end('SIGINT', false)
  }

  /** Ends the server and its workers at once, as a crash does. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL', true)
  }

  /** Ends the server if it still runs, and removes the folder. */
  async close(): Promise<void> {
    await this.kill9()
    if (process.env.KEEP_HARAKA === undefined) rmSync(this.folder, { recursive: true, force: true })
  }
}
