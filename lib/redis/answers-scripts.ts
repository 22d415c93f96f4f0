import { DAY_MS } from '../model/duration'
import { LONGEST_KEPT } from '../dns/kept-answer'
import { PREFIX } from './keys'
import { createScript } from './script'

/** The most answers that are kept over all servers. Beyond that, those that end first are dropped. */
const MOST_ANSWERS = 50_000
/** The most that one call drops. */
const MOST_DROPPED = 1_000
/** No answer is kept longer, whatever its TTL. Milliseconds. */
export const LONGEST_MS = DAY_MS

/** All answers, by when they end. */
export const ANSWERS_KEY = `${PREFIX}answers`
/** What the key of an answer begins with. */
export const ANSWER_PREFIX = `${PREFIX}answer:`

/*
 *   KEYS  answers
 *
 * Returns 'answers', and for each key its text (empty where nothing is kept) and the milliseconds that it has left.
 */
export const FIND = createScript(
  'find answers',
  `
local reply = {'answers'}
for i = 1, #KEYS do
  local left = redis.call('PTTL', KEYS[i])
  -- What never ends was not written here either.
  if left == -1 or (left > 0 and isForeign(KEYS[i], 'GETRANGE', 0, 0)) then
    redis.call('DEL', KEYS[i])
    left = 0
  end
  reply[#reply + 1] = left > 0 and redis.call('GETRANGE', KEYS[i], 0, ${LONGEST_KEPT}) or ''
  reply[#reply + 1] = math.max(left, 0)
end
return reply
`,
  { isRegular: false },
)

/*
 *   KEYS  the index, then answers
 *   ARGV  for each answer: its text, how many milliseconds it has left, 'replace' or 'add'
 *
 *   index  keys of answers, by when they end (milliseconds of Redis' clock)
 */
export const KEEP = createScript(
  'keep answers',
  `
local index = KEYS[1]
if isForeign(index, 'ZCARD') then redis.call('DEL', index) end
redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
-- Others have written these: no answer is kept for so long.
redis.call('ZREMRANGEBYSCORE', index, '(' .. string.format('%.0f', now + ${LONGEST_MS}), '+inf')
for i = 2, #KEYS do
  local at = (i - 2) * 3
  local text, ms = ARGV[at + 1], ARGV[at + 2]
  local kept
  if ARGV[at + 3] == 'replace' then
    kept = redis.call('SET', KEYS[i], text, 'PX', ms)
  else
    kept = redis.call('SET', KEYS[i], text, 'PX', ms, 'NX')
  end
  if kept then redis.call('ZADD', index, string.format('%.0f', now + ms), KEYS[i]) end
end
redis.call('PEXPIRE', index, ${LONGEST_MS})
-- A call adds fewer. If others have added many, they go in several calls.
local over = math.min(redis.call('ZCARD', index) - ${MOST_ANSWERS}, ${MOST_DROPPED})
if over > 0 then
  local first = redis.call('ZPOPMIN', index, over)
  for i = 1, #first, 2 do
    if string.sub(first[i], 1, ${ANSWER_PREFIX.length}) == '${ANSWER_PREFIX}' then redis.call('DEL', first[i]) end
  end
end
return {'kept'}
`,
  { isRegular: false },
)
