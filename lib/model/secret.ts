import { inspect } from 'node:util'

/**
 * A value that must not be seen: printing, logging, JSON and util.inspect all show `****`. Only {@link Secret.reveal} gives
 * the text, and only the code that speaks to the relay calls it.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The text itself. Never pass it to a logger, an error or a data structure that is printed. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '****'
  }

  toJSON(): string {
    return '****'
  }

  [inspect.custom](): string {
    return '****'
  }
}
