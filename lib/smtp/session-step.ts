import type { Stage } from '../model/failure'

/** The current step: each command until its reply; `message` is from the reply to DATA to the final dot. */
export type SessionStep =
  'greeting' | 'ehlo' | 'helo' | 'starttls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'message' | 'dot' | 'quit'

/** The stage that each step belongs to; QUIT belongs to none. */
export const STAGES: Readonly<Record<Exclude<SessionStep, 'quit'>, Stage>> = {
  greeting: 'greeting',
  ehlo: 'ehlo',
  helo: 'ehlo',
  starttls: 'tls',
  auth: 'auth',
  mail: 'mail',
  rcpt: 'rcpt',
  data: 'data',
  message: 'data',
  dot: 'dot',
}

/** The first word of a command, in capitals. */
export function verbOf(command: string): string {
  const end = command.indexOf(' ')
  return (end === -1 ? command : command.slice(0, end)).toUpperCase()
}
