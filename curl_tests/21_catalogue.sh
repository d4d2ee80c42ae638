# What there is: datasets, versions, series, labels, days, timestamps, whole lists as files.
source "$(dirname "$0")/lib.sh"

signed_in
published Energy PJM "$GOOD/Energy_PJM_20240603_090000.csv"
version=$(json .version_id)
send "$GOOD/Energy_PJM_20240603_170000_cob.csv" "$(name Energy PJM 170000 _cob)"
status 201
of="curve=energy&iso=pjm"

get /api/v1/datasets
status 200
body '.items | length == 49'
body '.items[] | select(.curve == "energy" and .iso == "pjm") | .versions >= 2 and .strips == ["7x24", "5x16", "7x8", "2x16"]'
get /api/v1/datasets -H 'Accept: text/csv'
[ "$(head -1 "$BODY" | tr -d '\r')" = curve,iso,strips,versions,first_operating_day,last_operating_day,latest_curve_timestamp ] || fail "another header record"
get /api/v1/datasets/energy/pjm
status 200
body '.versions >= 2'
get /api/v1/datasets/rec/miso
problem 404 no_such_dataset

get "/api/v1/versions?$of&operating_day=$DAY"
status 200
body '[.items[] | [.curve_timestamp[11:19], .cob, .valid_to == null]] == [["17:00:00", true, true], ["08:00:00", false, false]]'
get "/api/v1/versions?$of&operating_day=$DAY&limit=1"
body '(.items | length) == 1 and (.next | length > 0)'
get "/api/v1/versions?$of&operating_day=$DAY&limit=1&cursor=$(json .next)"
# shellcheck disable=SC2016
body '(.items | length) == 1 and .items[0].id == $version' --arg version "$version"
get "/api/v1/versions?$of&limit=0"
problem 400 bad_parameter
get "/api/v1/versions?$of&limit=1001"
problem 400 bad_parameter

get "/api/v1/series?$of"
status 200
body '.items | length > 0 and all(.control_area | ascii_downcase == "pjm")'
series=$(json '.items[0].id')
get "/api/v1/series/$series/curve?version_id=$version"
status 200
body '(.points | length > 12) and all(.points[]; .month | test("^20[0-9]{2}-[01][0-9]$")) and all(.points[]; .value | type | IN("number", "null"))'
get "/api/v1/labels?$of&next=block_type"
status 200
body '[.items[].value] | sort | length > 1 and index("5x16") != null'
get "/api/v1/operating-days?$of"
status 200
get "/api/v1/intraday-timestamps?$of&operating_day=$DAY"
status 200
# shellcheck disable=SC2016
body '[.items[].timestamp] == [$day + " 17:00", $day + " 08:00"]' --arg day "$DAY"
get "/api/v1/cob-availability?$of&operating_day=$DAY"
status 200
body '. == {"cob": true, "noncob": true}'

get /api/v1/exports/uploads
status 200
[ "$(head -1 "$BODY" | tr -d '\r')" = 'File Name,ISO,Operating Day,Time Stamp,File Extension,COB(Y/N)' ] || fail "another header record"
grep -q "^energy,PJM,$DAY,$DAY 17:00:00,csv,Y" "$BODY" || fail "the upload is not listed"
get /api/v1/exports/components
status 200
[ "$(head -c 2 "$BODY")" = PK ] || fail "no workbook"
get /curves_catalog
status 200
[ "$(sed -n 2p "$BODY" | tr -d '\r')" = ERCOT,2000-01,336,248,160,744,240,504,496,248 ] || fail "other hours"
get "/api/v1/series?$of&strip=5x16"
problem 400 unknown_parameter
