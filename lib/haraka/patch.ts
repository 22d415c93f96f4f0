/**
 * Puts a property of its own on one object in front of what the object has or inherits. `make` gets what was there before,
 * bound to nothing: call it with the object. The result undoes it, and leaves alone what somebody else put in front since.
 *
 * Haraka 3.3.4 calls `this.try_deliver()`, `self.temp_fail()` and so on (`outbound/hmail.js`), so that a property of one
 * HMailItem is found before its prototype's: one message is watched, and no other.
 */
export function override<T extends object, K extends keyof T>(
  object: T,
  key: K,
  make: (inner: T[K]) => T[K],
): () => void {
  const own = Object.getOwnPropertyDescriptor(object, key)
  const replacement = make(object[key])
  Object.defineProperty(object, key, {
    value: replacement,
    configurable: true,
    enumerable: false,
    writable: true,
  })
  return () => {
    if (object[key] !== replacement) return
    if (own === undefined) Reflect.deleteProperty(object, key)
    else Object.defineProperty(object, key, own)
  }
}
