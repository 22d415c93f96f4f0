/** One result of `doctor`. */
export interface Finding {
  /** `warning`: mail is sent, but something is wrong or unknown. `error`: the plugin does not do what the file says. */
  readonly status: 'ok' | 'warning' | 'error'
  /** What was found, as a sentence without its full stop. */
  readonly text: string
  /** What to do about it. */
  readonly advice?: string
}

export const ok = (text: string): Finding => ({ status: 'ok', text })
export const warning = (text: string, advice: string): Finding => ({ status: 'warning', text, advice })
export const error = (text: string, advice: string): Finding => ({ status: 'error', text, advice })
