# The calls that existing scripts make: /login, /upload_csv, /get_data.
source "$(dirname "$0")/lib.sh"

call POST /login --data-urlencode "email=$EMAIL" --data-urlencode "password=$PASSWORD"
status 200
CREDENTIAL=(-H "Authorization: Bearer $(json .access_token)")
unused energy miso
file=$GOOD/Energy_MISO_20240603_082540.csv
name=$(name Energy MISO 082540)
call POST /upload_csv -F "file=@$file;filename=$name"
status 201
body '.message_flag == "success" and (.message_toast | length > 0) and .code == "created"'
call POST /upload_csv -F "file=@$BAD/value_words.csv;filename=NonEnergy_ERCOT_20240510_101010.csv"
problem 422 not_a_number
body '.message_flag == "error" and (.message_toast | length > 0)'
call POST /upload_csv -F "file=@$BAD/value_words.csv;filename=nonsense.csv"
problem 400 bad_filename

script="/get_data?curve_type=energy&iso=miso&operating_day=${DAY//-/}"
get "$script&type=csv"
status 200
head_has content-type '^text/csv'
cp "$BODY" "$WORK/script"
get "/api/v1/data?curve=energy&iso=miso&operating_day=$DAY&format=csv"
cmp -s "$BODY" "$WORK/script" || fail "/get_data gives other bytes than /api/v1/data"
get "$script&type=json&strip=strip_5x16"
status 200
body 'type == "array" and length > 0 and all(.["Block Type"] == "5x16") and all(.Data | type | IN("number", "null"))'
get "$script&type=xlsx"
status 200
[ "$(head -c 2 "$BODY")" = PK ] || fail "no workbook"
get "$script&idcob=cobonly"
problem 404 no_data
get "$script&type=parquet"
problem 400 bad_parameter
get "$script&format=csv"
problem 400 unknown_parameter
get '/get_data?curve_type=energy'
problem 400 bad_parameter
get /get_curves
problem 410 gone
body '.replacement == "GET /api/v1/data"'
