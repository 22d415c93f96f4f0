/** What `tls.connect` gives, as far as it is looked at; a `net.Socket` before that. */
export interface TargetSocket {
  authorized?: boolean
  authorizationError?: Error | string | null
  encrypted?: boolean
  destroyed?: boolean
  /** Octets handed over for sending, and those of them that wait. */
  readonly bytesWritten?: number
  readonly writableLength?: number
  once(event: 'close', listener: () => void): unknown
  destroy(): unknown
}

/** The callback of a socket's `upgrade`: was the certificate good, and if not, why. */
export type UpgradeCallback = (authorized: boolean, error: unknown, ...more: unknown[]) => void

/** Haraka's `pluggableStream` (`tls_socket.js`) with the line processor of `client_pool.js` on it. */
export interface HarakaSocket {
  writable: boolean
  targetsocket: TargetSocket
  write(data: string | Uint8Array, ...more: unknown[]): boolean
  upgrade(options: Record<string, unknown>, callback?: UpgradeCallback): void
  destroy(): unknown
  isEncrypted(): boolean | undefined
  emit(event: string, ...parameters: unknown[]): boolean
  on(event: string, listener: (...parameters: never[]) => void): unknown
  once(event: string, listener: (...parameters: never[]) => void): unknown
  prependListener(event: string, listener: (...parameters: never[]) => void): unknown
  removeListener(event: string, listener: (...parameters: never[]) => void): unknown
  removeAllListeners(event?: string): unknown
  listeners(event: string): unknown[]
  listenerCount(event: string): number
}
