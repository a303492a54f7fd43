-- Each path once, shared out among the threads. A list that runs out begins anew: the product's own counters then tell that a tier was not the one wanted.
local paths, count, position = {}, 0, 0
local before, after

function init()
  local marker = "/MARKER"
  local whole = wrk.format("GET", marker, settings.headers)
  local first, last = whole:find(marker, 1, true)
  before, after = whole:sub(1, first - 1), whole:sub(last + 1)
  local line = 0
  for path in io.lines(settings.paths_file) do
    if line % settings.threads == thread_number then
      count = count + 1
      paths[count] = path
    end
    line = line + 1
  end
end

function request()
  position = position % count + 1
  return before .. paths[position] .. after
end
