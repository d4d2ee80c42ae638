# Whole lists as files: their names, their types, the same bytes again, as they were known.
source "$(dirname "$0")/lib.sh"

signed_in
published Energy PJM "$GOOD/Energy_PJM_20240603_090000.csv"
get /api/v1/exports/components
status 200
head_has content-type 'spreadsheetml'
head_has content-disposition 'filename="all_components\.xlsx"'
known=$(header x-known-at)
cp "$BODY" "$WORK/first"
get "/allcomponents?as_of=$known"
status 200
cmp -s "$BODY" "$WORK/first" || fail "other bytes"
get "/api/v1/exports/components?as_of=1999-01-01T00:00:00Z"
status 200
[ "$(wc -c < "$BODY")" -lt "$(wc -c < "$WORK/first")" ] || fail "components that nobody knew"
get "/alluploads?as_of=1999-01-01T00:00:00Z"
status 200
head_has content-disposition 'filename="all_uploads\.csv"'
[ "$(wc -l < "$BODY")" = 1 ] || fail "uploads that nobody knew"
get "/api/v1/exports/components?iso=pjm"
problem 400 unknown_parameter
