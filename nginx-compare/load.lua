-- wrk: one of these kinds of request, chosen by arguments after "--"; prints its result as JSON.
--   plain | range SIZE TOTAL | cycle COUNT PREFIX SUFFIX
local kind, a, b, c = "plain"

local function random_range()
    local size, total = tonumber(a), tonumber(b)
    local from = math.random(0, total - size)
    return wrk.format(nil, nil, {["Range"] = string.format("bytes=%d-%d", from, from + size - 1)})
end

local function ask()
    if kind == "range" then return random_range() end
    return wrk.format(nil, b .. math.random(0, tonumber(a) - 1) .. c) -- cycle
end

function init(args)
    kind, a, b, c = args[1] or "plain", args[2], args[3], args[4]
    if kind ~= "plain" then request = ask end -- without it wrk repeats prepared bytes
    math.randomseed(os.time() + tonumber(tostring({}):match("0x(%x+)"), 16) % 100000)
end

function done(summary, latency)
    local e = summary.errors
    io.write(string.format(
        '\nRESULT {"requests":%d,"bytes":%d,"us":%d,"p50_us":%d,"p99_us":%d,"bad":%d,"socket":%d}\n',
        summary.requests, summary.bytes, summary.duration, latency:percentile(50),
        latency:percentile(99), e.status, e.connect + e.read + e.write + e.timeout))
end
