export type LogLevel = 'debug' | 'info' | 'warn'

/** Logs one line for the operator. */
export type Log = (level: LogLevel, message: string) => void
