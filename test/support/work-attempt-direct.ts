import { startAttempts } from './whole-attempts'

/** A whole attempt to the first of two MX hosts. */
export const start = () => startAttempts('direct.example')
