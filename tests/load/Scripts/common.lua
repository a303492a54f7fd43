-- Appended to each script. The run's settings come before it, as the global table `settings`.

local threads = {}

-- Addresses that visitors come from, as a trusted proxy names them.
visitors = 100000

function visitor(number)
  number = number % visitors
  return string.format("10.%d.%d.%d", math.floor(number / 65536), math.floor(number / 256) % 256, number % 256)
end

-- The parts of a request before its path, between its path and its visitor's address, and after it.
function template()
  local path, address = "/MARKER", "VISITOR"
  local whole = wrk.format("GET", path, settings.headers)
  local first, last = whole:find(path, 1, true)
  local from, to = whole:find(address, last + 1, true)
  return whole:sub(1, first - 1), whole:sub(last + 1, from - 1), whole:sub(to + 1)
end

function setup(thread)
  thread:set("thread_number", #threads)
  table.insert(threads, thread)
end

-- wrk itself counts only statuses above 399. Looking at every response slows the generator, so only strict runs do.
if settings.expected_status then
  unexpected = 0
  function response(status)
    if status ~= settings.expected_status then unexpected = unexpected + 1 end
  end
end

-- A pause before each request leaves the machine mostly idle. wrk starts a request's clock after the pause.
if settings.think_milliseconds then
  function delay()
    return settings.think_milliseconds
  end
end

function done(summary, latency)
  local errors = summary.errors
  local bad = errors.status
  if settings.expected_status then
    bad = 0
    for _, thread in ipairs(threads) do bad = bad + thread:get("unexpected") end
  end
  local line = 'RESULT {"requests":%d,"durationMicroseconds":%d,"bytes":%d,"p50Microseconds":%d,"p99Microseconds":%d,'
    .. '"badStatuses":%d,"socketErrors":%d,"generatorCpuSeconds":%.2f}\n'
  io.write(line:format(summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    bad, errors.connect + errors.read + errors.write + errors.timeout, os.clock()))
end
