import { FAILED } from '../../model/message'
import { wordCondition } from './word'

/** `$failed`: how the last attempt ended; empty if none has failed. */
export const failed = wordCondition({
  name: 'failed',
  value: (message) => message.failed,
  words: FAILED.filter((word) => word !== ''),
})
