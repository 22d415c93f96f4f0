export type LogLevel = 'debug' | 'info' | 'warn'

/** Takes one line that an operator may want to see. */
export type Log = (level: LogLevel, message: string) => void
