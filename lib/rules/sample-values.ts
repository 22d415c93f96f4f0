import type { Condition } from './conditions/condition'

/** A text that a wildcard matches. */
export function fillWildcard(pattern: string): string {
  return pattern === '*' ? 'example.com' : pattern.replace(/[*?]/g, 'x')
}

/** A text that a simple regular expression matches: its first alternatives, without anchors and repetition. Often wrong. */
function fillRegex(expression: string): string {
  return expression
    .replace(/^\/\^?|\$?\/i?$/g, '')
    .replace(/\(\?:/g, '(')
    .replace(/\(([^()|]*)(?:\|[^()]*)?\)/g, '$1')
    .replace(/\\d/g, '1')
    .replace(/\\w|\[[^\]]*\]|(?<!\\)\.(?![a-z]{2,}$)/g, 'x')
    .replace(/(?<!\\)[*+?]/g, '')
    .replace(/\\(.)/g, '$1')
}

/** Values of one attribute at which the outcome of these conditions may change. */
export function valuesFor(conditions: readonly Condition[]): readonly string[] {
  return conditions.flatMap((condition) => {
    switch (condition.kind) {
      case 'number': {
        const { number } = condition
        return [number - 1, number, number + 1].filter((each) => each >= 0).map(String)
      }
      case 'text':
        return [condition.folded, `${condition.folded}x`, `x${condition.folded}`]
      case 'match': {
        const { form, pattern } = condition
        return form === 'regex'
          ? [fillRegex(pattern)]
          : [fillWildcard(pattern), `${pattern}x`, `x${pattern}`].map((text) => text.replaceAll('*', 'x'))
      }
      case 'mx':
        return []
      default:
        return condition satisfies never
    }
  })
}
