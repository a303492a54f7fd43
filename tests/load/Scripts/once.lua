-- Each path once, shared out among the threads. A list that runs out begins anew: the product's own counters then tell that a tier was not the one wanted.
local paths, count, position = {}, 0, 0
local before, between, after

function init()
  before, between, after = template()
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
  return before .. paths[position] .. between .. visitor(position) .. after
end
