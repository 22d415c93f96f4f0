import type { Stage } from '../model/failure'

/** The current step: each command until its reply. */
export type SessionStep =
  'greeting' | 'ehlo' | 'helo' | 'starttls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'dot' | 'quit'

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
  dot: 'dot',
}
