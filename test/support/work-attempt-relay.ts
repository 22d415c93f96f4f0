import { startAttempts } from './whole-attempts'

/** A whole attempt by a relay. */
export const start = () => startAttempts('relayed.example')
