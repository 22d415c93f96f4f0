/** Watches one file. @returns stops watching */
type Watch = (path: string, onChange: () => void) => () => void

/**
 * The files that a configuration names (secrets, certificates), watched while it does. Also those that are not there: the
 * configuration may have been refused for that.
 */
export class NamedFiles {
  readonly #watch: Watch
  readonly #onChange: () => void
  readonly #stops = new Map<string, () => void>()

  constructor(watch: Watch, onChange: () => void) {
    this.#watch = watch
    this.#onChange = onChange
  }

  /** Watches these files and no others. @throws what watching throws */
  follow(paths: ReadonlySet<string>): void {
    for (const [path, stop] of this.#stops) {
      if (paths.has(path)) continue
      stop()
      this.#stops.delete(path)
    }
    for (const path of paths) {
      if (!this.#stops.has(path)) this.#stops.set(path, this.#watch(path, this.#onChange))
    }
  }
}
