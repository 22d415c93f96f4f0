import { DAY_MS } from '../model/duration'
import { createScript } from './script'

/** A process that tries a server must report it again within this time, or another may try. Milliseconds. */
const TRIAL_LEASE_MS = 30_000
/** Servers with trouble that are kept. */
export const MOST_TROUBLES = 1_000
/** For the process that failed the pause ends a little sooner than for Redis, which was informed later. Milliseconds. */
const EARLY_MS = 100

/*
 *   KEYS  troubles, changes
 *
 *   troubles  hash: field of a server -> 'failures pauseMs until trialUntil by reason'; failures 0: it works again
 *             'state' -> 'epoch version floor': when the hash began, the number of the last change, and of the last one forgotten
 *   changes   sorted set: field -> number of its last change, so that only what is new is read
 */
const RECORDS = `
local isDamaged = isForeign(KEYS[1], 'HLEN') or isForeign(KEYS[2], 'ZCARD')
-- Others have written here too. Each process says again what it knows.
  or redis.call('HLEN', KEYS[1]) > ${MOST_TROUBLES} + 1 or redis.call('ZCARD', KEYS[2]) > ${MOST_TROUBLES}
if isDamaged then redis.call('DEL', KEYS[1], KEYS[2]) end
local epoch, version, floor = string.match(redis.call('HGET', KEYS[1], 'state') or '', '^(%d+) (%d+) (%d+)$')
if epoch == nil or #version > MOST_DIGITS or #floor > MOST_DIGITS then
  redis.call('DEL', KEYS[1], KEYS[2])
  epoch, version, floor = string.format('%.0f', now * 1000 + time[2] % 1000), 0, 0
end
version, floor = tonumber(version), tonumber(floor)

-- Nil for a missing value and for one that no process writes: nothing is known of that server.
local function find(field)
  local failures, pause, till, trial, by, reason =
    string.match(redis.call('HGET', KEYS[1], field) or '', '^(%d+) (%d+) (%d+) (%d+) (%S+) (.*)$')
  if failures == nil then return nil end
  return {
    failures = tonumber(failures), pause = tonumber(pause), till = tonumber(till), trial = tonumber(trial), by = by, reason = reason,
  }
end

local function read(field)
  return find(field) or {failures = 0, pause = 0, till = 0, trial = 0, by = '-', reason = ''}
end

local function write(field, r, isNews)
  redis.call('HSET', KEYS[1], field,
    string.format('%.0f %.0f %.0f %.0f %s %s', r.failures, r.pause, r.till, r.trial, r.by, r.reason))
  if not isNews then return end
  version = version + 1
  redis.call('ZADD', KEYS[2], version, field)
  local surplus = redis.call('ZCARD', KEYS[2]) - ${MOST_TROUBLES}
  if surplus > 0 then
    for _, oldest in ipairs(redis.call('ZRANGE', KEYS[2], 0, surplus - 1)) do
      floor = tonumber(redis.call('ZSCORE', KEYS[2], oldest))
      redis.call('ZREM', KEYS[2], oldest)
      redis.call('HDEL', KEYS[1], oldest)
    end
  end
end

-- Times as they count from now; the trial only if another has it.
local function show(reply, field, r, me)
  local trial = 0
  if r.by ~= me then trial = math.max(0, r.trial - now) end
  for _, value in ipairs({field, r.failures, r.pause, math.max(0, r.till - now), trial, r.reason}) do reply[#reply + 1] = value end
end

local function finish()
  redis.call('HSET', KEYS[1], 'state', string.format('%s %.0f %.0f', epoch, version, floor))
  redis.call('PEXPIRE', KEYS[1], ${DAY_MS})
  redis.call('PEXPIRE', KEYS[2], ${DAY_MS})
end
`

/*
 * Sends what a process has learned about servers, and returns what is new for it.
 *
 *   ARGV  process, epoch, version; then for each server: field, failures, pauseMs, openMs, tries (1: it has the trial; '-': it is asking), isLate, reason
 *
 * Returns 'troubles', epoch, version, whether the list is complete, and the servers: those of the call, and those that have changed
 * since. Of two pauses the longer one counts. A report that a server works does not end a pause if it was delayed because Redis was gone.
 */
export const TROUBLES = createScript(
  'breakers',
  `${RECORDS}
local me, known = ARGV[1], tonumber(ARGV[3])
local isAll = ARGV[2] ~= epoch or known < floor or known > version
local reply = {}
for i = 4, #ARGV, 7 do
  local field, failures, openMs = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 3])
  local tries, isLate = ARGV[i + 4], ARGV[i + 5] == '1'
  local r = read(field)
  local isOpen = r.till > now
  if failures == 0 then
    if r.failures > 0 and not (isLate and isOpen) then
      r = {failures = 0, pause = 0, till = 0, trial = 0, by = '-', reason = ''}
      write(field, r, true)
    end
  else
    local isNews = r.failures == 0
    if isNews or (openMs > 0 and (not isOpen or now + openMs > r.till + 1000)) then
      isNews = true
      r.failures = math.max(r.failures, failures)
      r.pause, r.till, r.reason = tonumber(ARGV[i + 2]), now + openMs, ARGV[i + 6]
      r.trial, r.by = 0, '-'
    end
    if tries == '1' and r.till <= now and (r.by == me or r.trial <= now) then
      isNews = isNews or r.by ~= me
      r.trial, r.by = now + ${TRIAL_LEASE_MS}, me
    elseif tries == '0' and r.by == me then
      isNews = true
      r.trial, r.by = 0, '-'
    end
    write(field, r, isNews)
  end
  show(reply, field, r, me)
end
local changed = redis.call('ZRANGEBYSCORE', KEYS[2], isAll and '-inf' or '(' .. ARGV[3], '+inf')
for _, field in ipairs(changed) do
  local r = find(field)
  if r ~= nil then
    show(reply, field, r, me)
  else
    redis.call('ZREM', KEYS[2], field)
    redis.call('HDEL', KEYS[1], field)
  end
end
finish()
return {'troubles', epoch, version, isAll and 1 or 0, reply}
`,
)

/*
 * Asks for the one trial of a server.
 *
 *   ARGV  process, field, failures, pauseMs, reason: what is known of it, in case Redis has forgotten it
 *
 * Returns 'trial', whether it is given, and the server.
 */
export const TRIAL = createScript(
  'trial',
  `${RECORDS}
local me, field = ARGV[1], ARGV[2]
local r = read(field)
if find(field) == nil then
  r.failures, r.pause, r.till, r.reason = tonumber(ARGV[3]), tonumber(ARGV[4]), now, ARGV[5]
end
local isGiven = r.failures == 0
if not isGiven and r.till - ${EARLY_MS} <= now and (r.by == me or r.trial <= now) then
  isGiven = true
  r.till = math.min(r.till, now)
  r.trial, r.by = now + ${TRIAL_LEASE_MS}, me
  write(field, r, true)
end
finish()
local reply = {}
show(reply, field, r, me)
return {'trial', isGiven and 1 or 0, reply}
`,
  { isRegular: false },
)
