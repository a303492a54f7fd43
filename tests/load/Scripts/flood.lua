-- Another user agent with every request, as long as the server takes headers. The number has a fixed width, so the request around it is built once.
local before, after, number

function init()
  local marker = "000000000000"
  local whole = wrk.format("GET", settings.path, { ["User-Agent"] = marker .. string.rep("x", settings.user_agent_bytes) })
  local first, last = whole:find(marker, 1, true)
  before, after = whole:sub(1, first - 1), whole:sub(last + 1)
  number = 100000000000 + thread_number * 1000000000
end

function request()
  number = number + 1
  return before .. string.format("%.0f", number) .. after
end
