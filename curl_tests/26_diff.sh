# What changed between two versions: by ids and by instants, in three formats, and back again.
source "$(dirname "$0")/lib.sh"

signed_in
published Energy PJM "$GOOD/Energy_PJM_20240603_090000.csv"
from=$(json .version_id)
get "/api/v1/versions/$from"
known=$(json .known_at)
send "$GOOD/Energy_PJM_20240603_170000_cob.csv" "$(name Energy PJM 170000 _cob)"
status 201
to=$(json .version_id)

get "/api/v1/diff?from=$from&to=$to"
status 200
head_has content-type '^application/json'
head_has x-known-at 'Z$'
body '.summary | .added + .removed + .changed > 0'
body '(.data | length) == (.summary | .added + .removed + .changed)'
body 'all(.data[]; (.status | IN("added", "removed", "changed")) and (.dims.load_zone | length > 0))'
# shellcheck disable=SC2016
body '.meta.from.id == $from and .meta.to.id == $to' --arg from "$from" --arg to "$to"
there=$(json '[.summary | .added, .removed, .changed, .unchanged] | @csv')
rows=$(json '.data | length')

get "/api/v1/data?curve=energy&iso=pjm&version_id=$from&mode=unstandardized&format=ndjson"
[ "$(wc -l < "$BODY")" = "$(echo "$there" | awk -F, '{ print $2 + $3 + $4 }')" ] || fail "the rows do not add up"

get "/api/v1/diff?from=$to&to=$from"
# shellcheck disable=SC2016
body '[.summary | .removed, .added, .changed, .unchanged] | @csv == $there' --arg there "$there"
get "/api/v1/diff?from=$from&to=$from"
body '.data == [] and .summary.changed == 0 and .summary.unchanged > 0'

get "/api/v1/diff?curve=energy&iso=pjm&operating_day=$DAY&from_as_of=$known&format=ndjson"
status 200
[ "$(wc -l < "$BODY")" = "$rows" ] || fail "another diff by instants"
get "/api/v1/diff?from=$from&to=$to&only=changed" -H 'Accept: text/csv'
status 200
head_has content-type '^text/csv'
awk -F, 'NR > 1 && !/,changed,/ { exit 1 }' "$BODY" || fail "a row that did not change"

published Energy MISO "$GOOD/Energy_MISO_20240603_082540.csv"
get "/api/v1/diff?from=$from&to=$(json .version_id)"
problem 400 contradictory_parameters
get "/api/v1/diff?from=$from"
problem 400 bad_parameter
get "/api/v1/diff?from=$from&to=99999999"
problem 404 not_found
