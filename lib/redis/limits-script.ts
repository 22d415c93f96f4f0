import { HOUR_MS } from '../model/duration'
import { createScript } from './script'

/** Who has said nothing for so long is gone: what it held is free. Milliseconds. */
export const LEASE_MS = 30_000
/** Who waits asks so often that its place in the line is kept no longer. Milliseconds. */
const WAITING_MS = 1_000

/*
 * What a host says of its limits, and what it may use until it asks again.
 *
 *   KEYS  hosts, then for each limit: its rows, its hours
 *   ARGV  host, instance, about, seen, since, joins; then for each limit:
 *         maxConnections, maxPerHour (-1: none), used, sent, reserve, wants, hours ('-': unchanged), freeMs
 *
 *   hosts  host -> 'stamp instance about'
 *   rows   host -> 'stamp held count reserve waiting freeAt'
 *            held      connections that the host has or may open
 *            count     messages under way, and sent in the last hour
 *            reserve   messages that it may send besides
 *            waiting   since when it waits for a connection; 0: it does not
 *            freeAt    when its oldest message is an hour old
 *   hours  host -> 'at:amount ...': what it has sent, for when it has gone
 *
 * A host says all that it has, never what has changed: a reply that is lost, or a Redis that has forgotten all, costs nothing. What
 * the rows of a limit hold together is never more than the limit, whatever is lost: a host counts as having the larger one of the
 * reserve that it has and the one that it is given.
 *
 * A Redis that is back, or empty, may not know yet what other hosts hold. Until as many have spoken as were seen before, nobody gets more.
 */
export const LIMITS = createScript(
  'limits',
  `
local LEASE, WAITING, HOUR = ${LEASE_MS}, ${WAITING_MS}, ${HOUR_MS}
local host, instance, about = ARGV[1], ARGV[2], ARGV[3]
local seen, since = tonumber(ARGV[4]), tonumber(ARGV[5])

local hosts, rank, spoken, own = 1, 0, 1, nil
local known = redis.call('HGETALL', KEYS[1])
for i = 1, #known, 2 do
  local stamp, other = string.match(known[i + 1], '^(%d+) (%S+)')
  stamp = tonumber(stamp)
  if known[i] == host then
    own = other
    if stamp == nil or math.abs(now - stamp) >= LEASE then own = nil end
  elseif stamp == nil or math.abs(now - stamp) >= LEASE then
    redis.call('HDEL', KEYS[1], known[i])
  else
    hosts = hosts + 1
    if known[i] < host then rank = rank + 1 end
    if stamp >= since then spoken = spoken + 1 end
  end
end
-- Another process calls itself by this name, and it is the newer one.
if own ~= nil and own ~= instance and ARGV[6] ~= '1' then return {'taken'} end
if own == nil or since == 0 or since > now then
  since = now
  spoken = 1
end
redis.call('HSET', KEYS[1], host, string.format('%.0f %s %s', now, instance, about))
redis.call('PEXPIRE', KEYS[1], HOUR)
local settled = spoken >= seen or now - since >= LEASE

-- A host that has gone still counts: what it has sent in the last hour, and what it had borrowed when it was last heard of.
local function countGone(key, name, stamp, count)
  local listed, left = 0, 0
  for at, amount in string.gmatch(redis.call('HGET', key, name) or '', '(%d+):(%d+)') do
    listed = listed + amount
    if tonumber(at) + HOUR > now then left = left + amount end
  end
  if stamp + HOUR > now and count > listed then left = left + count - listed end
  return left
end

local reply = {'limits', now, since, hosts, rank, settled and 1 or 0}
for item = 0, (#ARGV - 6) / 8 - 1 do
  local rows, hours = KEYS[2 + item * 2], KEYS[3 + item * 2]
  local at = 7 + item * 8
  local maxConnections, maxPerHour = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local used, sent, reserve, wants = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local waited, held, count, reserved, freeAt = 0, 0, 0, 0, 0
  local line = {}
  local entries = redis.call('HGETALL', rows)
  for i = 1, #entries, 2 do
    local name = entries[i]
    local fields = {}
    for field in string.gmatch(entries[i + 1], '%d+') do fields[#fields + 1] = tonumber(field) end
    local stamp = fields[1]
    if #fields ~= 6 then
      redis.call('HDEL', rows, name)
    elseif name == host then
      waited = fields[5]
    elseif math.abs(now - stamp) < LEASE then
      held = held + fields[2]
      count = count + fields[3]
      reserved = reserved + fields[4]
      if fields[5] > 0 and now - stamp < WAITING then line[#line + 1] = {fields[5], name} end
      if fields[6] > 0 and (freeAt == 0 or fields[6] < freeAt) then freeAt = fields[6] end
    else
      local gone = countGone(hours, name, stamp, fields[3])
      if gone == 0 then
        redis.call('HDEL', rows, name)
        redis.call('HDEL', hours, name)
      end
      count = count + gone
    end
  end

  local granted, ahead = 0, 0
  if maxConnections >= 0 then
    for _, one in ipairs(line) do
      if waited == 0 or one[1] < waited or (one[1] == waited and one[2] < host) then ahead = ahead + 1 end
    end
    if settled then granted = math.max(0, math.min(wants, maxConnections - held - used - ahead)) end
    if granted >= wants then waited = 0 elseif waited == 0 then waited = now end
  end
  local given = 0
  if maxPerHour >= 0 then
    local left = maxPerHour - count - used - sent
    given = math.max(0, math.min(left - reserved, math.max(math.floor(left / hosts), wants)))
    if not settled then given = math.min(given, reserve) end
  end
  -- Those who have asked are on their way when the host hears of it.
  local begun = math.min(wants, given)
  if maxConnections >= 0 then begun = math.min(begun, granted) end
  local own = math.max(reserve, given) - begun
  local mine = tonumber(ARGV[at + 7])
  if mine > 0 then
    mine = now + mine
    if freeAt == 0 or mine < freeAt then freeAt = mine end
  end
  redis.call('HSET', rows, host,
    string.format('%.0f %.0f %.0f %.0f %.0f %.0f', now, used + granted, used + sent + begun, own, waited, mine))
  redis.call('PEXPIRE', rows, HOUR + LEASE)
  if ARGV[at + 6] ~= '-' then redis.call('HSET', hours, host, ARGV[at + 6]) end
  redis.call('PEXPIRE', hours, HOUR + LEASE)
  reply[#reply + 1] = granted
  reply[#reply + 1] = #line
  reply[#reply + 1] = given
  reply[#reply + 1] = freeAt == 0 and 0 or math.max(1, freeAt - now)
end
return reply
`,
)
