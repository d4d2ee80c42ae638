# The site's switches, jobs, logs, and everybody's tokens, as an administrator has them. Nothing is left
# closed: only a message is changed, and put back.
source "$(dirname "$0")/lib.sh"

signed_in
get /api/v1/site
status 200
before=$(json '{ui, api}')
call PUT /api/v1/site -H 'Content-Type: application/json' -d "$(jq '.ui.message = "curl was here"' <<< "$before")"
status 200
body '.ui.message == "curl was here"'
get /api/v1/site
# shellcheck disable=SC2016
body '.ui.open == $before.ui.open and .api == $before.api' --argjson before "$before"
call PUT /api/v1/site -H 'Content-Type: application/json' -d "$before"
status 200
call PUT /api/v1/site -H 'Content-Type: application/json' -d '{"ui": {"open": true}}'
problem 400 bad_parameter
call PUT /api/v1/site -d '{}'
problem 415 unsupported_media_type

get '/api/v1/jobs?limit=5'
status 200
body 'all(.items[]; .state | IN("waiting", "running", "failed", "done"))'
get '/api/v1/jobs?state=lost'
problem 400 bad_parameter
call POST /api/v1/jobs/headroom-0/retry
problem 404 not_found
call POST /api/v1/jobs -H 'Content-Type: application/json' -d '{"kind": "backup", "iso": "pjm"}'
problem 400 bad_parameter

get '/api/v1/logs?level=error&limit=5'
status 200
body 'all(.items[]; .level == "error")'

get "/api/v1/admin/tokens?limit=1000"
status 200
body '.items | length > 0'
get /api/v1/admin/sessions
status 200
call DELETE /api/v1/admin/tokens/0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11
problem 404 not_found
call DELETE /api/v1/admin/sessions/nobody
problem 404 not_found
