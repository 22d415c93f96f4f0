import { DAY_MS, HOUR_MS } from '../model/duration'
import { PREFIX } from './keys'
import { createScript } from './script'

/** The most lines whose hits are kept. Beyond that, those that were hit longest ago are dropped. */
export const MOST_LINES = 20_000
/** The most lines that one call sends, and the most that it receives. */
export const MOST_SENT = 500
/** The most servers that are kept, as far as they do not all live. */
const MOST_SERVERS = 1_000
/** Time after which a silent server counts as gone, milliseconds. */
const LEASE_MS = 30_000

export const HITS_KEYS = [`${PREFIX}hits`, `${PREFIX}hits:changes`, `${PREFIX}hits:servers`] as const

/*
 * Hits of override lines, and the servers that count them.
 *
 *   KEYS  hits, changes, servers
 *   ARGV  server, call, workers, about, epoch, version; then for each line that was hit: its hash, how often, how long ago (ms)
 *
 *   hits     hash of a line -> 'count last'; 'state' -> 'epoch version': when the hash began, and the number of the last change
 *   changes  hash of a line -> number of its last change, so that only what is new is read
 *   servers  server -> 'stamp call workers about'
 *
 * A call that is repeated because its reply was lost has the same number, and is not counted twice. Returns 'hits', epoch, version,
 * how long ago the counting began, whether there is more, the number of servers, of each its name and workers, and of each line that
 * has changed since that version its hash, count, and how long ago it was hit.
 */
export const HITS = createScript(
  'hits',
  `
if isForeign(KEYS[1], 'HLEN') or isForeign(KEYS[2], 'ZCARD') then redis.call('DEL', KEYS[1], KEYS[2]) end
-- Without it, hits whose reply was lost count twice. To read what others have added would hold up everyone.
if isForeign(KEYS[3], 'HLEN') or redis.call('HLEN', KEYS[3]) > 2 * ${MOST_SERVERS} then redis.call('DEL', KEYS[3]) end
local server, call, workers, about = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local epoch, version = string.match(redis.call('HGET', KEYS[1], 'state') or '', '^(%d+) (%d+)$')
if epoch == nil or #epoch > MOST_DIGITS or #version > MOST_DIGITS then
  redis.call('DEL', KEYS[1], KEYS[2])
  epoch, version = string.format('%.0f', now), 0
end
version = tonumber(version)
local known = string.match(redis.call('HGET', KEYS[3], server) or '', '^%d+ (%d+) ')
if known == nil or tonumber(known) < call then
  for i = 7, #ARGV, 3 do
    local count, last = string.match(redis.call('HGET', KEYS[1], ARGV[i]) or '', '^(%d+) (%d+)$')
    count = tonumber(count or 0) + tonumber(ARGV[i + 1])
    last = math.max(tonumber(last or 0), now - tonumber(ARGV[i + 2]))
    version = version + 1
    redis.call('HSET', KEYS[1], ARGV[i], string.format('%.0f %.0f', count, last))
    redis.call('ZADD', KEYS[2], version, ARGV[i])
  end
end
-- Others have written these: no change is newer than the last.
redis.call('ZREMRANGEBYSCORE', KEYS[2], '(' .. string.format('%.0f', version), '+inf')
-- A call adds fewer. If others have added many, they go in several calls.
local surplus = math.min(redis.call('ZCARD', KEYS[2]) - ${MOST_LINES}, 2 * ${MOST_SENT})
if surplus > 0 then
  for _, oldest in ipairs(redis.call('ZRANGE', KEYS[2], 0, surplus - 1)) do
    redis.call('ZREM', KEYS[2], oldest)
    redis.call('HDEL', KEYS[1], oldest)
  end
end
redis.call('HSET', KEYS[1], 'state', string.format('%s %.0f', epoch, version))
redis.call('HSET', KEYS[3], server, string.format('%.0f %.0f %s %s', now, call, workers, about))
for i = 1, 2 do redis.call('PEXPIRE', KEYS[i], ${90 * DAY_MS}) end
redis.call('PEXPIRE', KEYS[3], ${HOUR_MS})

local reply = {'hits', tonumber(epoch), version, math.max(0, now - epoch), 0, 0}
local rows = redis.call('HGETALL', KEYS[3])
-- A server that starts again and again is another one each time.
local keptMs = #rows > 2 * ${MOST_SERVERS} and ${LEASE_MS} or ${HOUR_MS}
for i = 1, #rows, 2 do
  local stamp, theirs, name = string.match(rows[i + 1], '^(%d+) %d+ (%d+) (%S+)$')
  if stamp == nil or math.abs(now - stamp) > keptMs then
    redis.call('HDEL', KEYS[3], rows[i])
  elseif math.abs(now - stamp) < ${LEASE_MS} then
    reply[6] = reply[6] + 1
    reply[#reply + 1] = name
    reply[#reply + 1] = tonumber(theirs)
  end
end
local from = tonumber(ARGV[6])
if ARGV[5] ~= epoch or from > version then from = 0 end
local changes = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. string.format('%.0f', from), '+inf', 'LIMIT', 0, ${MOST_SENT})
if #changes == ${MOST_SENT} then
  reply[3] = tonumber(redis.call('ZSCORE', KEYS[2], changes[#changes]))
  reply[5] = 1
end
for _, line in ipairs(changes) do
  local count, last = string.match(redis.call('HGET', KEYS[1], line) or '', '^(%d+) (%d+)$')
  if count ~= nil then
    reply[#reply + 1] = line
    reply[#reply + 1] = tonumber(count)
    reply[#reply + 1] = math.max(0, now - last)
  else
    redis.call('ZREM', KEYS[2], line)
  end
end
return reply
`,
  { isRegular: false },
)
