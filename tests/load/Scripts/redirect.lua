-- Whole requests are built once: a request then costs one table read, and the generator's share of the machine stays small.
local requests, count, position = {}, 0, 0

function init()
  for path in io.lines(settings.paths_file) do
    count = count + 1
    requests[count] = wrk.format("GET", path, settings.headers)
  end
  position = thread_number * 397
end

function request()
  position = position % count + 1
  return requests[position]
end
