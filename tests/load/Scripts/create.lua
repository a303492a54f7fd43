-- Every URL is new. The number has a fixed width, so the request around it, Content-Length included, is built once.
local before, after, number

function init()
  local marker = "000000000000"
  local body = '{"original_url":"https://example.com/load/' .. marker .. '"}'
  local whole = wrk.format("POST", settings.path, settings.headers, body)
  local first, last = whole:find(marker, 1, true)
  before, after = whole:sub(1, first - 1), whole:sub(last + 1)
  number = settings.first_number + thread_number * 1000000000
end

function request()
  number = number + 1
  return before .. string.format("%.0f", number) .. after
end
