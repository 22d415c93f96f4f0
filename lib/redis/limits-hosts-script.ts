import { DAY_MS, HOUR_MS } from '../model/duration'
import { WHOLE } from './host-share'

/** Time after which a silent host counts as gone, and its connections are free. Milliseconds. */
export const LEASE_MS = 30_000
/** Time since its last call for which the process of a host counts as alive, milliseconds. */
export const OVERLAP_MS = 3_000
/** Time within which every living host finds a Redis that is new, milliseconds. */
const GRACE_MS = 3_000
/** Time after which all that a host began without Redis has ended, milliseconds. */
export const SETTLE_MS = LEASE_MS + 5_000
/** The most hosts that are kept. */
export const MOST_HOSTS = 500
/** The most rows of a limit: those of hosts that were dropped stay for an hour. */
export const MOST_ROWS = 4 * MOST_HOSTS

/*
 * The first half of the script of limits: which hosts share, and what may be trusted of what they said.
 *
 *   hosts  host -> 'heard whole life mark joined knows begin end kept number instance about'
 *            heard       when it last called; 0: others have named it
 *            whole       when it had last declared all that it has of every limit
 *            life        when its process joined
 *            mark        since when it is waited for; 0: it has called since Redis was last lost, so its rows are true
 *            joined      the generation in which it was added
 *            knows       the generation that it has confirmed
 *            begin end   its slice: the part of each limit that it may use without Redis
 *            kept        1: it comes back with the same name and slice after a restart
 *            number      of its last call
 *          '.'  -> 'generation born last': changes of the list, when these data began, when any host last called
 *
 * The list is new if it is empty, or if nobody has called for the time of a lease: Redis was away. Then, and when a host calls on a new
 * connection, all others are marked until they call again. Hosts name those that they know, so a Redis that has lost all its data
 * learns which hosts it must wait for.
 *
 * A host that joins gets nothing until every living host has confirmed that it knows of it. So if Redis is emptied, somebody names it.
 *
 * Slices never overlap. A host at once gives up what is outside its new slice. It is given the rest when all others are unmarked, and
 * no record of theirs covers it. A record covers what the host may have, whether it received the reply or not.
 */
export const HOSTS_SCRIPT = `
local LEASE, OVERLAP, GRACE, SETTLE = ${LEASE_MS}, ${OVERLAP_MS}, ${GRACE_MS}, ${SETTLE_MS}
local HOUR, DAY, WHOLE, MOST_HOSTS = ${HOUR_MS}, ${DAY_MS}, ${WHOLE}, ${MOST_HOSTS}
local host, instance, about, kept = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local number, deadline = tonumber(ARGV[5]), tonumber(ARGV[6])
local hasJoined, isRenewed, isWhole = ARGV[7] == '1', ARGV[8] == '1', ARGV[9] == '1'
local since, knows = tonumber(ARGV[10]), tonumber(ARGV[11])
local slice = {begin = tonumber(ARGV[12]), finish = tonumber(ARGV[13])}
local named = tonumber(ARGV[14])

-- Redis was stopped meanwhile: the host has given up this call, and what it declares may no longer be true.
if now > deadline then return {'clock', now} end

-- What has another type was not written here.
local isDamaged = false
local function call(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or reply.err == nil then return reply end
  if string.find(reply.err, 'WRONGTYPE', 1, true) == nil then error(reply.err) end
  isDamaged = true
  redis.call('DEL', key)
  return redis.call(command, key, ...)
end

-- A hash with more fields than hosts write was not written here either. To read it would hold up everyone.
local function readAll(key, most)
  if call('HLEN', key) > most then
    isDamaged = true
    redis.call('DEL', key)
  end
  return call('HGETALL', key)
end

local NUMBERS = {'heard', 'whole', 'life', 'mark', 'joined', 'knows', 'begin', 'finish', 'kept', 'number'}
local function readMember(text)
  local numbers, process, name = string.match(text, '^([%d ]+) (%S+) (%S+)$')
  if numbers == nil then return nil end
  local member, index = {instance = process, about = name}, 0
  for each in string.gmatch(numbers, '%d+') do
    index = index + 1
    if NUMBERS[index] ~= nil then member[NUMBERS[index]] = tonumber(each) end
  end
  if index ~= #NUMBERS then return nil end
  if member.mark > now then member.mark = now end
  return member
end
local function writeMember(name, member)
  redis.call('HSET', KEYS[1], name, string.format('%.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f %s %s',
    member.heard, member.whole, member.life, member.mark, member.joined, member.knows, member.begin, member.finish,
    member.kept, member.number, member.instance, member.about))
end

local members, size = {}, 0
local generation, born, last = 0, now, nil
local list = readAll(KEYS[1], 2 * MOST_HOSTS)
for i = 1, #list, 2 do
  if list[i] == '.' then
    local first, second, third = string.match(list[i + 1], '^(%d+) (%d+) (%d+)$')
    if first ~= nil then generation, born, last = tonumber(first), tonumber(second), tonumber(third) end
  else
    members[list[i]] = readMember(list[i + 1])
    if members[list[i]] == nil then redis.call('HDEL', KEYS[1], list[i]) else size = size + 1 end
  end
end
local isNew = last == nil or math.abs(now - last) >= LEASE
if isNew or born > now then born = now end

local own = members[host]
local isSame = own ~= nil and own.instance == instance
local isKnown = own ~= nil and own.heard > 0
if isKnown and not isSame and hasJoined then return {'taken', now} end
if isKnown and not isSame and math.abs(now - own.heard) < OVERLAP then return {'wait', now} end
if hasJoined and not isKnown and named < 0 then return {'forgotten', now} end
if isSame and number <= own.number then return {'clock', now} end

local function isLiving(member) return member.heard > 0 and math.abs(now - member.heard) < LEASE end
local function newMember(instanceOf, aboutOf, keptOf)
  generation = generation + 1
  size = size + 1
  return {heard = 0, whole = 0, life = now, mark = now, joined = generation, knows = 0, begin = 0, finish = 0,
    kept = keptOf, number = 0, instance = instanceOf, about = aboutOf}
end

for i = 1, named do
  local keptOf, name = string.match(ARGV[14 + i], '^([01])([%w_-]+)$')
  if name ~= nil and name ~= host and members[name] == nil and size < MOST_HOSTS then
    members[name] = newMember('-', '-', tonumber(keptOf))
    writeMember(name, members[name])
  end
end
for name, member in pairs(members) do
  if name ~= host then
    if now - math.max(member.heard, member.mark, member.life, born) >= (member.kept == 1 and DAY or 2 * HOUR) then
      redis.call('HDEL', KEYS[1], name)
      members[name] = nil
      size = size - 1
      generation = generation + 1
    elseif (isNew or isRenewed) and member.mark == 0 then
      member.mark = now
      writeMember(name, member)
    end
  end
end

-- Servers that take another name with each start must not fill the list: those that are gone longest make room.
local function makeRoom()
  local most = own == nil and MOST_HOSTS - 1 or MOST_HOSTS
  while size > most do
    local oldest
    for name, member in pairs(members) do
      local isGone = name ~= host and not isLiving(member) and now - member.mark >= SETTLE
      if member.kept == 0 and isGone and (oldest == nil or member.heard < members[oldest].heard) then oldest = name end
    end
    if oldest == nil then return false end
    redis.call('HDEL', KEYS[1], oldest)
    members[oldest] = nil
    size = size - 1
  end
  return true
end

if not makeRoom() and own == nil then return {'wait', now} end
if own == nil then
  own = newMember(instance, about, tonumber(kept))
  members[host] = own
end
if not isSame then
  own.life = math.max(now, own.life + 1)
  own.instance, own.about, own.kept, own.knows = instance, about, tonumber(kept), 0
else
  own.knows = math.min(knows, generation)
end
if isRenewed or not isSame then own.whole = 0 end
if isWhole then own.whole = now end
own.heard, own.mark, own.number = now, 0, number
if since == 0 or since > now then since = now end

-- Is all known that others may hold: of connections, and of messages?
local isSettled = {connections = now - born >= GRACE, messages = now - born >= GRACE}
local living, rank, isFree = 1, 0, now - born >= GRACE
for name, member in pairs(members) do
  if name ~= host then
    if name < host then rank = rank + 1 end
    if member.mark ~= 0 then
      isFree = false
      if now - member.mark < SETTLE then isSettled.connections = false end
      if now - member.mark < HOUR + LEASE then isSettled.messages = false end
    elseif isLiving(member) then
      if member.whole < since or member.knows < own.joined then
        isSettled.connections, isSettled.messages = false, false
      end
    elseif member.whole < member.heard and now - member.heard < HOUR + LEASE then
      isSettled.messages = false
    end
    if isLiving(member) then living = living + 1 end
  end
end

local target = {begin = math.floor(rank * WHOLE / size), finish = math.floor((rank + 1) * WHOLE / size)}
for name, member in pairs(members) do
  if name ~= host and member.begin < member.finish and member.begin < target.finish and member.finish > target.begin then
    isFree = false
  end
end
local given = target
if not isFree then
  given = {begin = math.max(slice.begin, target.begin), finish = math.min(slice.finish, target.finish)}
  if given.begin >= given.finish then given = {begin = 0, finish = 0} end
end
own.begin, own.finish = given.begin, given.finish
if slice.begin < slice.finish and given.begin < given.finish then
  own.begin, own.finish = math.min(given.begin, slice.begin), math.max(given.finish, slice.finish)
elseif slice.begin < slice.finish then
  own.begin, own.finish = slice.begin, slice.finish
end
writeMember(host, own)
redis.call('HSET', KEYS[1], '.', string.format('%.0f %.0f %.0f', generation, born, now))
redis.call('PEXPIRE', KEYS[1], DAY + HOUR)
`
