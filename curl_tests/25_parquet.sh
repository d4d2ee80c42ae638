# Parquet: the right type and magic, the same bytes again, never wide.
source "$(dirname "$0")/lib.sh"

signed_in
published Energy PJM "$GOOD/Energy_PJM_20240603_090000.csv"
data="/api/v1/data?curve=energy&iso=pjm&operating_day=$DAY&mode=unstandardized"
get "$data&format=parquet"
status 200
head_has content-type '^application/vnd\.apache\.parquet$'
head_has content-disposition '\.parquet"$'
[ "$(head -c 4 "$BODY")" = PAR1 ] && [ "$(tail -c 4 "$BODY")" = PAR1 ] || fail "no Parquet file"
cp "$BODY" "$WORK/first"
get "$data" -H 'Accept: application/vnd.apache.parquet'
status 200
cmp -s "$BODY" "$WORK/first" || fail "other bytes"
get "$data&format=parquet&layout=wide"
problem 400 contradictory_parameters
