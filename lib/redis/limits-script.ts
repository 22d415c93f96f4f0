import { MINUTE_MS } from '../model/duration'
import { HOSTS_SCRIPT, MOST_ROWS } from './limits-hosts-script'
import { createScript } from './script'

/** Time for which a host that waits keeps its place in the line without asking again, milliseconds. */
const WAITING_MS = 1_000
/** Time for which other hosts are asked for messages that they hold in reserve, milliseconds. */
const SHORT_MS = 2_000
/** The most limits of which hosts are asked for messages. */
const MOST_SHORT = 1_000
/** Time until a host that is short of messages asks again: others may give some back. Milliseconds. */
const AGAIN_MS = 1_000
/** How many values there are for each limit. */
export const ITEM_VALUES = 9
/** How many there are before them, without the names of hosts. */
export const HEAD_VALUES = 14

/*
 * What a host says of some of its limits, and what it may use of them until it asks again.
 *
 *   KEYS  hosts, short, then for each limit: its rows, its hours
 *   ARGV  host, instance, about, kept, number, deadline, hasJoined, isRenewed, isWhole, since, knows, begin, end,
 *         how many hosts are named (-1: none are), their names; then for each limit:
 *         maxConnections, maxPerHour (-1: none), used, keep, sent, reserve, wants, hours ('-': unchanged), freeMs
 *
 *   short  limit -> when a host last needed messages that others had in reserve
 *   rows   host -> 'stamp life held count reserve waiting freeAt'
 *            held      connections that the host has or may open
 *            count     messages under way, and sent in the last hour
 *            reserve   messages that it may send besides
 *            waiting   since when it waits for a connection; 0: it does not
 *            freeAt    when its oldest message is an hour old
 *   hours  host -> 'at:amount ...': what it has sent, for when it has gone
 *
 * A host declares all that it has of a limit, never a difference, so a lost reply does no harm. Whatever is lost, all rows of a limit
 * together never hold more than the limit: a host counts with the larger of two reserves, the one that it has and the one that it is
 * given. A limit that is not named does not change: the call itself renews all that the host has.
 */
export const LIMITS = createScript(
  'limits',
  `${HOSTS_SCRIPT}
local WAITING, SHORT, AGAIN = ${WAITING_MS}, ${SHORT_MS}, ${AGAIN_MS}

-- A host that is gone still counts: what it sent, and what it may have sent after its last call. Also returns when the first of that ends.
local function countGone(key, name, stamp, seen, count)
  local listed, left, freeAt = 0, 0, 0
  for at, amount in string.gmatch(call('HGET', key, name) or '', '(%d+):(%d+)') do
    at, amount = at + HOUR, tonumber(amount)
    if at > stamp then listed = listed + amount end
    if at > now then
      left = left + amount
      if freeAt == 0 or at < freeAt then freeAt = at end
    end
  end
  local over = seen + LEASE + HOUR
  if over > now and count > listed then
    left = left + count - listed
    if freeAt == 0 or over < freeAt then freeAt = over end
  end
  return left, freeAt
end

local reply = {'limits', now, since, generation, given.begin, given.finish,
  isSettled.connections and 1 or 0, isSettled.messages and 1 or 0, living}
if knows ~= generation or not isSame then
  reply[#reply + 1] = size
  for name, member in pairs(members) do reply[#reply + 1] = string.format('%.0f%s', member.kept, name) end
else
  reply[#reply + 1] = 0
end
local short = {}
-- It only says where others could help: they are asked again.
if call('HLEN', KEYS[2]) > ${MOST_SHORT} then redis.call('DEL', KEYS[2]) end
list = call('HGETALL', KEYS[2])
for i = 1, #list, 2 do
  local at = tonumber(list[i + 1])
  if at ~= nil and math.abs(now - at) < SHORT then short[#short + 1] = list[i] else redis.call('HDEL', KEYS[2], list[i]) end
end
reply[#reply + 1] = #short
for _, name in ipairs(short) do reply[#reply + 1] = name end

local first = ${HEAD_VALUES} + math.max(named, 0)
for item = 0, (#ARGV - first) / ${ITEM_VALUES} - 1 do
  local rows, hours = KEYS[3 + item * 2], KEYS[4 + item * 2]
  local at = first + item * ${ITEM_VALUES}
  local maxConnections, maxPerHour = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local used, keep, sent = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local reserve, wants, said, freeMs = tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7]), ARGV[at + 8], tonumber(ARGV[at + 9])
  local waited, held, count, reserved, freeAt = 0, 0, 0, 0, 0
  local line = {}
  local entries = readAll(rows, ${MOST_ROWS})
  for i = 1, #entries, 2 do
    local name, fields = entries[i], {}
    for field in string.gmatch(entries[i + 1], '%d+') do fields[#fields + 1] = tonumber(field) end
    local stamp, life = fields[1], fields[2]
    local member = members[name]
    if #fields ~= 7 then
      redis.call('HDEL', rows, name)
    elseif name == host then
      if life == own.life then
        waited = fields[6]
      elseif stamp + HOUR > now then
        -- It was restarted: what it had not sent of its reserve is still its own.
        reserve = math.max(reserve, fields[4] + fields[5] - used - sent)
      end
    elseif member ~= nil and member.life == life and isLiving(member) then
      held = held + fields[3]
      count = count + fields[4]
      reserved = reserved + fields[5]
      if fields[6] > 0 and now - stamp < WAITING then line[#line + 1] = {fields[6], name} end
      if fields[7] > 0 and (freeAt == 0 or fields[7] < freeAt) then freeAt = fields[7] end
    else
      local seen = stamp
      if member ~= nil then seen = math.max(stamp, member.life == life and member.heard or member.life) end
      local gone, over = countGone(hours, name, stamp, seen, fields[4] + fields[5])
      if gone == 0 then
        redis.call('HDEL', rows, name)
        redis.call('HDEL', hours, name)
      elseif freeAt == 0 or over < freeAt then
        freeAt = over
      end
      count = count + gone
    end
  end

  local granted, ahead = 0, 0
  keep = math.max(keep, used)
  if maxConnections >= 0 then
    for _, one in ipairs(line) do
      if waited == 0 or one[1] < waited or (one[1] == waited and one[2] < host) then ahead = ahead + 1 end
    end
    if isSettled.connections then granted = math.max(0, math.min(wants, maxConnections - held - keep - ahead)) end
    if granted >= wants then waited = 0 elseif waited == 0 then waited = now end
  end
  local messages, waitMs = 0, 0
  if maxPerHour >= 0 then
    local left = maxPerHour - count - used - sent
    local most = isSettled.messages and math.max(math.floor(left / living), wants) or reserve
    messages = math.max(0, math.min(left - reserved, most))
    if wants > messages and count + reserved > 0 then
      call('HSET', KEYS[2], string.match(rows, '[^:]*$'), string.format('%.0f', now))
      redis.call('PEXPIRE', KEYS[2], ${MINUTE_MS})
      if left > 0 then waitMs = AGAIN end
    end
  end
  -- Those who have asked begin as soon as the host reads the reply.
  local begun = math.min(wants, messages)
  if maxConnections >= 0 then begun = math.min(begun, granted + keep - used) end
  local mine = freeMs > 0 and now + freeMs or 0
  if mine > 0 and (freeAt == 0 or mine < freeAt) then freeAt = mine end
  if waitMs == 0 and freeAt > 0 then waitMs = math.max(1, freeAt - now) end

  local row = {keep + granted, used + sent + begun, math.max(reserve, messages) - begun, waited, mine}
  if row[1] + row[2] + row[3] + row[4] + row[5] > 0 then
    call('HSET', rows, host, string.format('%.0f %.0f %.0f %.0f %.0f %.0f %.0f', now, own.life, unpack(row)))
    redis.call('PEXPIRE', rows, 2 * HOUR)
  elseif #entries > 0 then
    redis.call('HDEL', rows, host)
  end
  if said == '' then
    call('HDEL', hours, host)
  elseif said ~= '-' then
    call('HSET', hours, host, said)
    redis.call('PEXPIRE', hours, 2 * HOUR)
  end
  reply[#reply + 1] = granted
  reply[#reply + 1] = #line
  reply[#reply + 1] = messages
  reply[#reply + 1] = waitMs
end
-- Only the hosts know what was lost with it: all declare everything again.
if isDamaged then
  redis.call('DEL', KEYS[1])
  return {'forgotten', now}
end
return reply
`,
)
