-- The same URLs with every request; the codes that they get are new.
local whole

function init()
  local urls = {}
  for number = 1, settings.links do
    urls[number] = '{"original_url":"https://example.com/bulk/' .. string.format("%.0f", number) .. '"}'
  end
  whole = wrk.format("POST", settings.path, settings.headers, '{"urls":[' .. table.concat(urls, ",") .. ']}')
end

function request()
  return whole
end
