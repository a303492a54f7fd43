-- Whole requests are built once: a request then costs one table read, and the generator's share of the machine stays small.
local requests, count, position = {}, 0, 0

function init()
  local before, between, after = template()
  local paths = {}
  for path in io.lines(settings.paths_file) do
    paths[#paths + 1] = path
  end
  count = math.max(#paths, visitors)
  for i = 1, count do
    requests[i] = before .. paths[(i - 1) % #paths + 1] .. between .. visitor(i) .. after
  end
  position = thread_number * 397
end

function request()
  position = position % count + 1
  return requests[position]
end
