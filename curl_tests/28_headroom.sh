# Headroom of a new day: computed soon after matrix and prices to compare are there, in every list.
source "$(dirname "$0")/lib.sh"

signed_in
published PTC PJM "$GOOD/PTC_PJM_20240603_100000.csv"
ptc=$(json .version_id)
send "$GOOD/Matrix_PJM_20240603_073000.csv" "$(name Matrix PJM 110000)"
status 201
matrix=$(json .version_id)

for _ in $(seq 100); do
    get "/api/v1/headroom/versions?iso=pjm&operating_day=$DAY"
    status 200
    if [ "$(json '.items | length')" != 0 ]; then break; fi
    sleep 0.1
done
# shellcheck disable=SC2016
body '.items[0] | .matrix_version_id == $matrix and .ptc_version_id == $ptc and .ended_at == null' \
    --arg matrix "$matrix" --arg ptc "$ptc"
version=$(json '.items[0].id')
records=$(json '.items[0].records')

get "/api/v1/headroom?iso=pjm&operating_day=$DAY"
status 200
head_has x-known-at 'Z$'
# shellcheck disable=SC2016
body '(.items | length) == ($records | tonumber)' --arg records "$records"
body 'all(.items[]; (.utility_price - .retail_price - .headroom | fabs) < 0.00002)'
get "/api/v1/headroom?version_id=$version&basis=term&format=csv"
status 200
head_has content-type '^text/csv'
get "/api/v1/headroom/unmatched?iso=pjm&operating_day=$DAY"
status 200
body 'all(.items[]; .reason | IN("no_matching_id", "no_ptc_month", "ptc_gap", "no_total_line", "null_price"))'

get "/api/v1/data?curve=headroom&iso=pjm&operating_day=$DAY&format=csv"
status 200
head -1 "$BODY" | grep -q '^ISO,State,Utility,Load Zone,Load Profile,Headroom Effective Date,' || fail "the header record"
[ "$(wc -l < "$BODY")" = $((records + 1)) ] || fail "another number of records"
etag=$(header etag)
get "/api/v1/data?curve=headroom&iso=pjm&operating_day=$DAY&format=csv" -H "If-None-Match: $etag"
status 304
get "/api/v1/data?curve=headroom&iso=pjm&version_id=$version&format=ndjson"
[ "$(wc -l < "$BODY")" = $((records * 4)) ] || fail "another number of values"
get "/api/v1/operating-days?curve=headroom&iso=pjm"
# shellcheck disable=SC2016
body 'any(.items[]; .operating_day == $day)' --arg day "$DAY"

get "/api/v1/headroom?basis=best"
problem 400 bad_parameter
get "/api/v1/headroom?zone=PECO"
problem 400 unknown_parameter
