import type { Settings } from './config/types'
import type { Diagnostic } from './diagnostic'
import type { RuleSet } from './rules/compile'

/** One configuration, whole and immutable: a message sees this one or the next, never a mixture. */
export interface Configuration {
  readonly file: string
  readonly settings: Settings
  readonly rules: RuleSet
}

/** What loading a file gives. With an error among the diagnostics there is no configuration. */
export interface LoadResult {
  readonly configuration?: Configuration
  /** Errors and warnings in order of line and column. */
  readonly diagnostics: readonly Diagnostic[]
}
