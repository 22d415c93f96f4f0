/** A place in a file. Lines and columns count from 1; a column is one UTF-16 code unit. */
export interface Span {
  readonly line: number
  readonly column: number
  /** Length in UTF-16 code units; at least 1. */
  readonly length: number
}

/** Another place that a diagnostic refers to, such as the earlier of two equal keys. */
export interface Related {
  readonly line: number
  readonly message: string
}

/** What a diagnostic is about, as a code for programs. A code keeps its meaning from version to version. */
export type DiagnosticCode =
  | 'again-without-refusal'
  | 'always-true'
  | 'attempts-among-overrides'
  | 'bad-attempts'
  | 'bad-certificate'
  | 'bad-direct-name'
  | 'bad-host'
  | 'bad-operator'
  | 'bad-option'
  | 'bad-pattern'
  | 'bad-percent'
  | 'bad-port'
  | 'bad-regex'
  | 'bad-relay-name'
  | 'bad-scheme'
  | 'bad-test'
  | 'bad-value'
  | 'bad-zone'
  | 'bare-ipv6'
  | 'certificate-ends'
  | 'conflict'
  | 'contradiction'
  | 'doubtful-certificate'
  | 'doubtful-value'
  | 'duplicate-key'
  | 'duplicate-option'
  | 'duplicate-section'
  | 'equal-priority'
  | 'failing-test'
  | 'idle-priority'
  | 'implicit-tls'
  | 'late-retries'
  | 'long-line'
  | 'missing-colon'
  | 'missing-equals'
  | 'missing-host'
  | 'missing-key'
  | 'missing-operator'
  | 'missing-password'
  | 'missing-sign'
  | 'missing-target'
  | 'missing-user'
  | 'missing-value'
  | 'name-clash'
  | 'never-reached'
  | 'no-attempts'
  | 'no-effect'
  | 'no-negation'
  | 'no-relays'
  | 'no-secret'
  | 'not-a-setting'
  | 'not-utf-8'
  | 'odd-wildcard'
  | 'own-server'
  | 'postfix-form'
  | 'readable-password'
  | 'recipient-reply'
  | 'second-target'
  | 'secret-readable'
  | 'separated-fields'
  | 'setting-among-overrides'
  | 'sign-before-target'
  | 'stray-port'
  | 'text-after-header'
  | 'text-operator'
  | 'unanchored-regex'
  | 'too-many-sections'
  | 'unclosed-header'
  | 'unknown-key'
  | 'unknown-qualifier'
  | 'unknown-relay'
  | 'unknown-reply'
  | 'unknown-section'
  | 'unmeetable-address'
  | 'unreachable'
  | 'unreachable-attempts'
  | 'unused-relay'
  | 'unverified-token'
  | 'zone-without-servers'

/** One mistake (error) or doubtful place (warning) in a configuration file. Holds no secret: `source` is masked. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  readonly code: DiagnosticCode
  /** What is wrong, in one sentence without a full stop. */
  readonly message: string
  readonly file: string
  readonly span: Span
  /** The text of the line with passwords masked; `span` fits this text. */
  readonly source: string
  /** True if a part of `source` is masked. */
  readonly isMasked?: true
  /** What would be right in that place. */
  readonly expected?: string
  /** The nearest correct spelling. */
  readonly suggestion?: string
  readonly related?: Related
}
