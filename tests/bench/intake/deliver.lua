-- wrk's script: signed pushes made beforehand, each request with a delivery id of its own.
-- Arguments: FILE of bodies (see payloads.py), first tick (100 ns since 1582), share of forged ones (0, 0.5, 1),
-- "close" for a new connection each.
local before, after, count = {}, {}, 0
local ticks, sent, forged, share = 0, 0, 0, 0
local format, random, concat = string.format, math.random, table.concat

local function headers(signature, size, close)
  return " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: GitHub-Hookshot/044aadd\r\nAccept: */*\r\n" ..
    "Content-Type: application/json\r\nX-GitHub-Event: push\r\nX-GitHub-Hook-ID: 292430182\r\n" ..
    "X-GitHub-Hook-Installation-Target-ID: 79929171\r\nX-GitHub-Hook-Installation-Target-Type: repository\r\n" ..
    (close and "Connection: close\r\n" or "") ..
    "X-Hub-Signature-256: sha256=" .. signature .. "\r\nContent-Length: " .. size .. "\r\nX-GitHub-Delivery: "
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  ticks = tonumber(args[2])
  share = tonumber(args[3])
  local close = args[4] == "close"
  math.randomseed(ticks % 2147483647)
  while true do
    local line = file:read("*l")
    if not line then break end
    local size, signature = line:match("(%d+) (%x+)")
    local body = file:read(tonumber(size))
    file:read(1)
    count = count + 1
    before[count] = "POST /hooks/forge" .. headers(signature, size, close)
    before[-count] = "POST /hooks/forge" .. headers(string.rep("0", 64), size, close)
    after[count] = "\r\n\r\n" .. body
  end
end

function request()
  sent = sent + 1
  -- In order of sending but for 50 ms, as GitHub's are.
  local t = ticks + sent * 200 + random(0, 500000)
  local low = t % 4294967296
  local high = (t - low) / 4294967296
  local id = format("%08x-%04x-1%03x-8%03x-%012x", low, high % 65536, high / 65536, random(0, 4095), sent)
  forged = forged + share
  local which = sent % count + 1
  if forged >= 1 then
    forged = forged - 1
    return before[-which] .. id .. after[which]
  end
  return before[which] .. id .. after[which]
end
