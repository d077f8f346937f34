-- POSTs the content of files in turn, and prints what came of it as one line of JSON.
-- Arguments: the Content-Type, then the files.

local bodies, turn = {}, 0

function init(args)
  for index = 2, #args do
    local file = assert(io.open(args[index], "rb"))
    bodies[#bodies + 1] =
      wrk.format("POST", nil, { ["Content-Type"] = args[1] }, file:read("*a"))
    file:close()
  end
end

function request()
  turn = turn % #bodies + 1
  return bodies[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"microseconds": %d, "requests": %d, "p50": %d, "p99": %d, '
      .. '"status": %d, "timeout": %d, "connect": %d, "read": %d, "write": %d}\n',
    summary.duration, summary.requests, latency:percentile(50), latency:percentile(99),
    errors.status, errors.timeout, errors.connect, errors.read, errors.write
  ))
end
