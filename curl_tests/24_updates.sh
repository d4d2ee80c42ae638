# What was published, in order, and told to those who wait.
source "$(dirname "$0")/lib.sh"

signed_in
get "/api/v1/updates?after=now"
status 200
body '.items == [] and (.next | length > 0)'
start=$(json .next)

published Energy PJM "$GOOD/Energy_PJM_20240603_090000.csv"
first=$(json .version_id)
send "$GOOD/Energy_PJM_20240603_170000_cob.csv" "$(name Energy PJM 170000 _cob)"
status 201
close=$(json .version_id)
call POST "/api/v1/datasets/energy/pjm/operating-days/$DAY/reopen" -H 'Content-Type: application/json' \
    -d '{"reason": "curl test"}'
status 200

# Others may publish meanwhile: only what this test made is compared.
get "/api/v1/updates?after=$start&curve=energy&iso=pjm&wait=5"
status 200
# shellcheck disable=SC2016
body '[.items[] | select(.operating_day == $day) | [.kind, .version_id, .superseded_by, .note]]
      == [["version_published", $first, null, null], ["version_published", $close, null, null],
          ["version_superseded", $first, $close, null], ["day_reopened", $close, null, "curl test"]]' \
    --arg day "$DAY" --arg first "$first" --arg close "$close"
body 'all(.items[]; .curve == "energy" and .iso == "pjm" and (.known_at | endswith("Z")))'

# Page by page it is the same, and a cursor may be used again.
get "/api/v1/updates?after=$start&limit=1"
body '.items | length == 1'
get "/api/v1/updates?after=$(json .next)&limit=1"
body '.items | length == 1'
get "/api/v1/updates?after=$start&curve=lineloss&iso=nyiso"
status 200
body '.next | length > 0'

# An upload wakes who waits.
get "/api/v1/updates?after=now"
now=$(json .next)
curl -sS -o "$WORK/waited" "${CREDENTIAL[@]}" "$BASE_URL/api/v1/updates?after=$now&curve=energy&iso=miso&wait=30" &
waiting=$!
published Energy MISO "$GOOD/Energy_MISO_20240603_082540.csv"
miso=$(json .version_id)
wait "$waiting"
# shellcheck disable=SC2016
jq -e '[.items[].version_id] | index($id) != null' --arg id "$miso" "$WORK/waited" > /dev/null || fail "nobody was woken"

get "/api/v1/updates?after=nonsense"
problem 400 bad_parameter
get "/api/v1/updates?wait=31"
problem 400 bad_parameter
get "/api/v1/updates?cursor=$start"
problem 400 unknown_parameter
