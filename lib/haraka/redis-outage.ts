/** Of what the processes of a server see of Redis, what is news for the server as a whole. */
export class RedisOutage {
  readonly #affected = new Set<number>()

  /** @returns whether Redis was there for all until now */
  begin(process: number): boolean {
    const isNews = this.#affected.size === 0
    this.#affected.add(process)
    return isNews
  }

  /** @returns whether Redis is there for all again */
  end(process: number): boolean {
    return this.#affected.delete(process) && this.#affected.size === 0
  }
}
