import { formatKept, type KeptAnswer, readKept } from './kept-answer'
import type { ServerSets } from './server-sets'
import type { QueryType, Question } from './types'

/** A text that is kept, and for how many more milliseconds. */
export interface KeptText {
  readonly text: string
  readonly leftMs: number
}

/** A place where processes keep what they know for each other. Others can write there, so a text may be anything. */
export interface AnswerStore {
  /**
   * Looks for a text. Never rejects.
   *
   * @returns undefined at once if the place cannot be asked now; a promise of undefined if nothing is kept
   */
  find(key: string): Promise<KeptText | undefined> | undefined
  /**
   * Keeps a text, some time later. If it cannot be kept, nothing happens.
   *
   * @param replaces does it replace a text that is kept?
   */
  keep(key: string, text: KeptText, replaces: boolean): void
}

export interface SharedAnswersOptions {
  readonly store: AnswerStore
  readonly servers: Pick<ServerSets, 'fingerprint'>
}

/** What another process knows of a question. */
export interface SharedAnswer<T extends QueryType = QueryType> extends KeptAnswer<T> {
  /** Not rounded. */
  readonly ttlSeconds: number
}

/** Answers of other processes that ask the same DNS servers. */
export class SharedAnswers {
  readonly #options: SharedAnswersOptions

  constructor(options: SharedAnswersOptions) {
    this.#options = options
  }

  /** Never rejects. Undefined at once if nobody can be asked now. */
  find<T extends QueryType>(question: Question<T>): Promise<SharedAnswer<T> | undefined> | undefined {
    return this.#options.store.find(this.#keyOf(question))?.then((found) => {
      if (found === undefined || !(found.leftMs > 0)) return undefined
      const kept = readKept(question, found.text)
      return kept === undefined ? undefined : { ...kept, ttlSeconds: found.leftMs / 1000 }
    })
  }

  /** Shares an answer with the others, in the background. A failure never replaces an answer. */
  keep<T extends QueryType>(question: Question<T>, answer: SharedAnswer<T>): void {
    if (answer.ttlSeconds <= 0) return
    const text = formatKept(question, answer)
    if (text === undefined) return
    const kept = { text, leftMs: answer.ttlSeconds * 1000 }
    this.#options.store.keep(this.#keyOf(question), kept, answer.content.kind !== 'failure')
  }

  #keyOf({ type, name }: Question): string {
    return `${this.#options.servers.fingerprint} ${type} ${name}`
  }
}
