import { FAILED_STEPS } from '../../model/message'
import { wordCondition } from './word'

/** `$failed`: how the last attempt ended; empty if none has failed. */
export const failed = wordCondition({
  name: 'failed',
  value: (message) => message.failed,
  words: FAILED_STEPS.filter((word) => word !== ''),
})
