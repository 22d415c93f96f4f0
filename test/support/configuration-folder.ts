import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import type { TestContext } from 'node:test'
import { ConfigurationFile } from '../../lib/haraka/configuration-file'
import type { LogEntry } from '../../lib/haraka/log-entry'
import type { ServerFinding } from '../../lib/haraka/server-log'
import type { Configuration } from '../../lib/routing/configuration'

/**
 * A real Haraka folder with a configuration file that is opened as Haraka opens it. Only the watching is not real: a change is
 * announced by the test, and not five seconds after it.
 */
export class ConfigurationFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'dns-overrides-file-'))
  readonly configurationPath = join(this.path, 'config', 'dns_overrides.ini')
  /** What came into force, one after the other. */
  readonly inForce: Configuration[] = []
  readonly findings: ServerFinding[] = []
  readonly file: ConfigurationFile
  /** What is called when a file has changed, for each file that is watched. */
  readonly #watched = new Map<string, () => void>()
  #listener: () => void = () => {}

  constructor(t: TestContext, holds: readonly string[] = []) {
    mkdirSync(dirname(this.configurationPath))
    t.after(() => rmSync(this.path, { recursive: true, force: true }))
    this.file = new ConfigurationFile({
      path: this.configurationPath,
      report: (finding) => {
        this.findings.push(finding)
        this.#listener()
      },
      onChange: (configuration) => this.inForce.push(configuration),
      readHolds: () => holds,
      watch: (path, onChange) => {
        this.#watched.set(path, onChange)
        return () => this.#watched.delete(path)
      },
    })
  }

  /** Writes the file. */
  write(content: string | Buffer): void {
    writeFileSync(this.configurationPath, content)
  }

  /** Reads the file for the first time, and watches it. */
  start(content?: string | Buffer): this {
    if (content !== undefined) this.write(content)
    this.inForce.push(this.file.read())
    this.file.watch()
    return this
  }

  /** The other files that are watched, from the folder of the configuration. */
  get watched(): readonly string[] {
    return [...this.#watched.keys()]
      .filter((path) => path !== this.configurationPath)
      .map((path) => relative(dirname(this.configurationPath), path))
  }

  /** Announces that a file has changed. */
  #announce(path = this.configurationPath): void {
    const onChange = this.#watched.get(path)
    assert.ok(onChange, `${path} is not watched`)
    onChange()
  }

  /** Changes the file. */
  change(content: string | Buffer): void {
    this.write(content)
    this.#announce()
  }

  /** Changes the file, and waits until something is said of it. */
  async reload(content: string | Buffer): Promise<readonly LogEntry[]> {
    const before = this.findings.length
    this.change(content)
    return this.#nextFinding(before)
  }

  /** As {@link reload}, for another change. */
  async reloadAfter(change: () => void): Promise<readonly LogEntry[]> {
    const before = this.findings.length
    change()
    this.#announce()
    return this.#nextFinding(before)
  }

  /** Changes another file of that folder, and waits until something is said of it. */
  async reloadBy(name: string, content: string): Promise<readonly LogEntry[]> {
    const path = join(dirname(this.configurationPath), name)
    const before = this.findings.length
    writeFileSync(path, content, { mode: 0o600 })
    this.#announce(path)
    return this.#nextFinding(before)
  }

  async #nextFinding(before: number): Promise<readonly LogEntry[]> {
    await this.waitFor(() => this.findings.length > before)
    return this.findings[before]!.entries
  }

  /** Waits for what the findings so far must be. */
  async waitFor(condition: () => boolean): Promise<void> {
    if (condition()) return
    await new Promise<void>((resolve) => {
      this.#listener = () => {
        if (condition()) resolve()
      }
    })
  }

  /** Lines of the log, each after its level. */
  get log(): string[] {
    return this.findings.flatMap(({ entries }) => entries.map(({ level, text }) => `${level} ${text}`))
  }
}
