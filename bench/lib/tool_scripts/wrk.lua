-- wrk for bench/tools: pipelined GETs, or holds of seats at random; counts answers by status.
-- Arguments after the URL's `--`: event, depth of the pipeline, number of seats (0: GET the URL itself).
local numbers = 0
local threads = {}

function setup(thread)
  thread:set("number", numbers)
  numbers = numbers + 1
  table.insert(threads, thread)
end

function init(args)
  event, depth, seats = args[1], tonumber(args[2]), tonumber(args[3])
  math.randomseed(os.time() + number)
  ok, taken, unchanged, other = 0, 0, 0, 0
  if seats > 0 then
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
  end
end

local function one()
  if seats == 0 then return wrk.format() end
  return wrk.format(nil, nil, nil, string.format(
    '{"event":"%s","buyer":"w%d","seats":["#%d"]}', event, math.random(0, 999999), math.random(0, seats - 1)))
end

-- wrk sends what one call returns in one piece: several requests in a row are a pipeline.
function request()
  local requests = {}
  for i = 1, depth do requests[i] = one() end
  return table.concat(requests)
end

function response(status)
  if status == 200 then ok = ok + 1
  elseif status == 409 then taken = taken + 1
  elseif status == 304 then unchanged = unchanged + 1
  else other = other + 1 end
end

function done(summary, latency, requests)
  local counts = { ok = 0, taken = 0, unchanged = 0, other = 0 }
  for _, thread in ipairs(threads) do
    for name in pairs(counts) do counts[name] = counts[name] + thread:get(name) end
  end
  local errors = summary.errors
  io.write(string.format(
    'JSON{"requests":%d,"200":%d,"409":%d,"304":%d,"other":%d,"errors":%d,"rate":%f,"p99":%f}\n',
    summary.requests, counts.ok, counts.taken, counts.unchanged, counts.other,
    errors.connect + errors.read + errors.write + errors.timeout,
    summary.requests / (summary.duration / 1e6), latency:percentile(99) / 1000))
end
