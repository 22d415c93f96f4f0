/**
 * Goes on with a value: at once if it is known, without a promise, for what DNS remembers is most of all mail. Throws or rejects only as
 * `goOn` does, or with the value.
 */
export function whenKnown<T, R>(value: T | Promise<T>, goOn: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(goOn) : goOn(value)
}
