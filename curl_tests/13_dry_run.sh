# A dry run reports everything and stores nothing.
source "$(dirname "$0")/lib.sh"

signed_in
published Energy NYISO "$GOOD/Energy_NYISO_20240603_114500.csv"
later=$(name Energy NYISO 114501)
send "$GOOD/Energy_NYISO_20240603_114501.csv" "$later" '?dry_run=true'
status 200
body '.dry_run == true and .code == "superseded" and .version_id == null and (.diff.changed | type == "number")'
get "/api/v1/versions?curve=energy&iso=nyiso&operating_day=$DAY"
body '.items | length == 1'
send "$BAD/value_words.csv" "$(name NonEnergy ERCOT 101010)" '?dry_run=true'
problem 422 not_a_number
send "$GOOD/Energy_NYISO_20240603_114501.csv" "$later"
status 201
