-- Each path of the file in turn; a file of one path asks for the same picture all the time.
local requests, count, position = {}, 0, 0

function init()
  for path in io.lines(settings.paths_file) do
    count = count + 1
    requests[count] = wrk.format("GET", path)
  end
end

function request()
  position = position % count + 1
  return requests[position]
end
