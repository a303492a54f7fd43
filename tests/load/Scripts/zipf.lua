-- Rank k comes with a probability of log(1 + 1/k) / log(count + 1), which is 1/k but for the first few ranks: Zipf's law with an exponent of 1.
local paths, count = {}, 0
local before, after, range

function init()
  local marker = "/MARKER"
  local whole = wrk.format("GET", marker, settings.headers)
  local first, last = whole:find(marker, 1, true)
  before, after = whole:sub(1, first - 1), whole:sub(last + 1)
  for path in io.lines(settings.paths_file) do
    count = count + 1
    paths[count] = path
  end
  range = math.log(count + 1)
  math.randomseed(settings.seed * 1000 + thread_number)
end

function request()
  local rank = math.min(math.floor(math.exp(math.random() * range)), count)
  return before .. paths[rank] .. after
end
