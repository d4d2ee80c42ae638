# A bad file is refused as a whole, with its cells, and the error file shows them in place.
source "$(dirname "$0")/lib.sh"

signed_in
unused nonenergy ercot
name=$(name NonEnergy ERCOT 101010)
send "$BAD/value_words.csv" "$name"
problem 422 not_a_number
body '.errors[0] | .cell == "C14" and .row == 14 and .column == 3 and .severity == "error"
      and (.message | length > 0) and (.label | length > 0)'
body '.counts.error == 2 and .by_code.not_a_number == 2'
upload=$(json .upload_id)
get "/api/v1/versions?curve=nonenergy&iso=ercot&operating_day=$DAY"
status 200
body '.items == []'

# It is in the log, and its bytes are kept.
get "/api/v1/uploads/$upload"
status 200
body '.errors[0].cell == "C14"'
get "/api/v1/uploads/$upload/document"
status 200
cmp -s "$BODY" "$BAD/value_words.csv" || fail "the kept document has other bytes"

get "/api/v1/uploads/$upload/report"
status 200
head_has content-type '^text/csv'
head_has content-disposition '_report\.csv'
[ "$(wc -l < "$BODY")" -ge 14 ] || fail "the copy has lost lines"
sed -n 14p "$BODY" | grep -q 'error not_a_number: ""n.a. yet""' || fail "line 14 of the copy does not tell the error"
get "/api/v1/uploads/$upload/report?format=xlsx"
status 200
head_has content-type '^application/vnd.openxmlformats-officedocument.spreadsheetml.sheet$'
[ "$(head -c 2 "$BODY")" = PK ] || fail "no workbook"
get "/api/v1/uploads/$upload/report?format=pdf"
problem 400 bad_parameter

send "$GOOD/NonEnergy_ERCOT_20240430_101010.csv" Prices_ERCOT_20240510_101010.csv
problem 400 bad_filename
send "$BAD/semicolon.csv" "$name"
problem 415 wrong_delimiter
send "$BAD/empty.csv" "$name"
problem 422 no_data
call POST /api/v1/uploads -F "data=@$BAD/empty.csv"
problem 400 unknown_parameter
call POST /api/v1/uploads -H 'Content-Type: text/csv' --data-binary "@$BAD/empty.csv"
problem 415 not_multipart
call POST '/api/v1/uploads?dryrun=true' -F "file=@$BAD/empty.csv"
problem 400 unknown_parameter
