# Alive, ready, counted; without a credential.
source "$(dirname "$0")/lib.sh"

get /livez
status 200
[ "$(cat "$BODY")" = ok ] || fail "livez says something else than ok"
get /readyz
status 200
body '.status == "ready" and (has("checks") | not)'
get '/readyz?verbose'
status 200
body '[.checks[] | select(.ready) | .name] == ["database", "migrations", "documents"]'
get /metrics
status 200
grep -q '^database_connections ' "$BODY" || fail "no number of database connections"
get /openapi.json
status 200
body '.openapi | startswith("3.1")'
get '/livez?x=1'
problem 400 unknown_parameter
