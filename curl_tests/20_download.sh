# Every format of a download, its selectors, and that it can be repeated for ever.
source "$(dirname "$0")/lib.sh"

signed_in
published Energy ERCOT "$GOOD/Energy_ERCOT_20240603_080000.csv"
data="/api/v1/data?curve=energy&iso=ercot&operating_day=$DAY&mode=unstandardized"

get "$data&format=csv"
status 200
head_has content-type '^text/csv'
head_has content-disposition '^attachment; filename=".*\.csv"$'
head_has x-known-at '^20[0-9-]+T[0-9:.]+Z$'
head_has link 'rel="describedby"'
[ "$(head -1 "$BODY" | cut -c 1-12)" = Control\ Area ] || fail "the labels are not at the top"
grep -q ',False,26\.07,' "$BODY" || grep -q '26\.07' "$BODY" || fail "the price 26.07 is not there"
[ "$(grep -c "^$DAY 08:00:00+00:00," "$BODY")" = 61 ] || fail "not 61 months"
cp "$BODY" "$WORK/first"
known_at=$(header x-known-at)
etag=$(header etag)

get "$data&format=csv" -H "If-None-Match: $etag"
status 304
[ ! -s "$BODY" ] || fail "a 304 with a body"
call HEAD "$data&format=csv"
status 200
[ "$(header etag)" = "$etag" ] || fail "HEAD has another ETag"

get "$data&format=csv&layout=long"
status 200
[ "$(($(wc -l < "$BODY") - 1))" = 732 ] || fail "not 732 values"
get "$data&format=json"
status 200
head_has content-type '^application/json'
body '[.. | objects | select(has("value"))] | length == 732'
body '[.. | objects | select(has("value")) | .value | type] | unique == ["number"]'
get "$data&format=ndjson"
status 200
head_has content-type '^application/x-ndjson'
[ "$(wc -l < "$BODY")" -ge 732 ] || fail "not 732 lines"
get "$data&format=xlsx"
status 200
[ "$(head -c 2 "$BODY")" = PK ] || fail "no workbook"
get "$data" -H 'Accept: application/json'
head_has content-type '^application/json'
get "$data" -H 'Accept: image/png'
problem 406 not_acceptable

# A newer version changes the answer, but not that of the earlier instant.
send "$GOOD/Energy_ERCOT_20240603_093000.csv" "$(name Energy ERCOT 093000)"
status 201
get "$data&format=csv"
status 200
! cmp -s "$BODY" "$WORK/first" || fail "the newer version is not given"
get "$data&format=csv" -H "If-None-Match: $etag"
status 200
get "$data&format=csv&as_of=$known_at"
status 200
cmp -s "$BODY" "$WORK/first" || fail "as_of does not repeat the bytes"
head_has cache-control immutable

# Selectors.
send "$GOOD/Energy_ERCOT_20240603_163000_cob.csv" "$(name Energy ERCOT 163000 _cob)"
status 201
cob=$(json .version_id)
versions() {
    get "/api/v1/data/report?curve=energy&iso=ercot&operating_day=$DAY$1"
    status 200
    json '[.entries[].versions[].curve_timestamp[11:16]] | sort | join(" ")'
}
[ "$(versions '')" = 16:30 ] || fail "latest is not the newest"
[ "$(versions '&version=cob')" = 16:30 ] || fail "cob is not the close"
[ "$(versions '&version=intraday')" = 09:30 ] || fail "intraday is not the newest before the close"
[ "$(versions '&version=all')" = '08:00 09:30 16:30' ] || fail "all are not all"
get "/api/v1/data/report?curve=energy&iso=ercot&version_id=$cob"
status 200
# shellcheck disable=SC2016
body '.entries[0].versions[0].id == $cob' --arg cob "$cob"
get "$data&strip=5x16&start=2024-07&end=2024-09&format=csv"
status 200
[ "$(grep -c "^$DAY 16:30" "$BODY")" = 3 ] || fail "not three months"
sed -n 6p "$BODY" | tr ',' '\n' | sed -n '4,$p' | sort -u | tr -d '\r' > "$WORK/strips"
[ "$(cat "$WORK/strips")" = 5x16 ] || fail "other strips than 5x16: $(cat "$WORK/strips")"

get '/api/v1/data?curve=energy&iso=all&format=csv'
status 200
head_has content-type '^application/zip$'

# What is wrong is said, never guessed.
get "$data&stripp=5x16"
problem 400 unknown_parameter
body '.detail | contains("strip")'
get "$data&version=newest"
problem 400 bad_parameter
get "$data&as_of=2024-06-03T08:00:00"
problem 400 bad_parameter
get '/api/v1/data?iso=ercot'
problem 400 bad_parameter
get '/api/v1/data?curve=energy&iso=ercot&operating_day=1980-01-01'
problem 404 no_data
get '/api/v1/data?curve=rec&iso=miso'
problem 404 no_such_dataset
