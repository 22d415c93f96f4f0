import assert from 'node:assert/strict'
import type { SecretSources } from '../../lib/config/types'
import { configure, diagnose, NO_SECRETS } from './rules'

/** The settings of a text that must be good. */
export const settingsOf = (text: string, secrets: SecretSources = NO_SECRETS) =>
  configure(text, secrets).settings

/** The one error of a text: `line:column message`. */
export function errorOf(text: string, secrets: SecretSources = NO_SECRETS): string {
  const errors = diagnose(text, secrets).filter(({ severity }) => severity === 'error')
  assert.equal(errors.length, 1, JSON.stringify(errors))
  const { span, message } = errors[0]!
  return `${span.line}:${span.column} ${message}`
}
