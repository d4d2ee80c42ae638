# What does not go together with what is stored is a 409 that names it; backfill puts a file into
# the history; a close of business closes its day until an administrator reopens it.
source "$(dirname "$0")/lib.sh"

signed_in
published Energy ERCOT "$GOOD/Energy_ERCOT_20240603_080000.csv"
first=$(json .version_id)
send "$BAD/conflict.csv" "$NAME"
problem 409 version_conflict
# shellcheck disable=SC2016
body '.conflict.version_id == $first' --arg first "$first"

send "$GOOD/Energy_ERCOT_20240603_101500.csv" "$(name Energy ERCOT 101500)"
status 201
send "$BAD/older.csv" "$(name Energy ERCOT 090000)"
problem 409 newer_version_exists
send "$BAD/older.csv" "$(name Energy ERCOT 090000)" '?backfill=true'
status 201
body '.code == "backfilled"'

send "$GOOD/Energy_ERCOT_20240603_163000_cob.csv" "$(name Energy ERCOT 163000 _cob)"
status 201
body '.cob == true'
cob=$(json .version_id)
send "$BAD/after_cob.csv" "$(name Energy ERCOT 170000)"
problem 409 day_closed_by_cob
# shellcheck disable=SC2016
body '.conflict.version_id == $cob and .conflict.cob == true' --arg cob "$cob"

reopen=/api/v1/datasets/energy/ercot/operating-days/$DAY/reopen
call POST "$reopen" -H 'Content-Type: application/json' -d '{}'
status 400 422
head_has content-type '^application/problem\+json$'
call POST "$reopen" -H 'Content-Type: application/json' -d '{"reason": "wrong close, a corrected file follows"}'
status 200
# shellcheck disable=SC2016
body '.reopened.version_id == $cob and .reopened.cob == true' --arg cob "$cob"
call POST "$reopen" -H 'Content-Type: application/json' -d '{"reason": "once more"}'
problem 404 not_found
send "$BAD/after_cob.csv" "$(name Energy ERCOT 170000)"
status 201
# shellcheck disable=SC2016
body '.code == "superseded" and .supersedes.version_id == $cob' --arg cob "$cob"
