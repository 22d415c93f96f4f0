import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { ConfigurationFile } from '../../lib/haraka/configuration-file'
import type { LogEntry } from '../../lib/haraka/log-entry'
import type { ServerFinding } from '../../lib/haraka/server-log'
import type { Configuration } from '../../lib/routing/configuration'

/** When the files of these tests are read. */
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)

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
  #announce: () => void = () => assert.fail('the file is not watched')
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
      now: () => NOW,
      watch: (path, onChange) => {
        assert.equal(path, this.configurationPath)
        this.#announce = onChange
        return () => {}
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
