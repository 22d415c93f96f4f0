import type { OutboundItem } from './outbound'

/**
 * Puts a property of its own on one object in front of what the object has or inherits.
 *
 * @param make gets what was there before, bound to nothing: call it with the object
 * @returns removes the patch, unless somebody else has put another in front since
 */
export function patch<T extends object, K extends keyof T>(
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

/** Replaces the next call of one method of a message, and only that. What lasts for an attempt is patched by `DeliveryHooks`. */
export function replaceNextCall<K extends 'bounce' | 'temp_fail' | 'found_mx'>(
  hmail: OutboundItem,
  method: K,
  replacement: (inner: OutboundItem[K], first: unknown, second?: unknown) => unknown,
): void {
  const undo: () => void = patch(hmail, method, (inner) => (first: unknown, second?: unknown) => {
    undo()
    return replacement(inner, first, second)
  })
}
