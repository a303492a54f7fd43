-- Rank k comes with a probability of log(1 + 1/k) / log(count + 1), which is 1/k but for the first few ranks: Zipf's law with an exponent of 1.
local paths, count = {}, 0
local before, between, after, range

function init()
  before, between, after = template()
  for path in io.lines(settings.paths_file) do
    count = count + 1
    paths[count] = path
  end
  range = math.log(count + 1)
  math.randomseed(settings.seed * 1000 + thread_number)
end

function request()
  local rank = math.min(math.floor(math.exp(math.random() * range)), count)
  return before .. paths[rank] .. between .. visitor(math.random(visitors)) .. after
end
