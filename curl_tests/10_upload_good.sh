# A good file is stored, found again, and kept byte by byte; the same again changes nothing.
source "$(dirname "$0")/lib.sh"

signed_in
file=$GOOD/Energy_ERCOT_20240603_080000.csv
published Energy ERCOT "$file"
# shellcheck disable=SC2016
body '.code == "created" and .file == $name and .family == "energy" and .iso == "ercot"
      and .operating_day == $day and .cob == false and .dry_run == false and .supersedes == null
      and .stats.rows == 61 and .stats.columns == 12 and .stats.points == 732
      and .stats.sum == "27210.14" and .counts.error == 0' --arg name "$NAME" --arg day "$DAY"
sha=$(sha256sum "$file" | cut -d ' ' -f 1)
# shellcheck disable=SC2016
body '.sha256 == $sha' --arg sha "$sha"
upload=$(json .upload_id)
version=$(json .version_id)

get "/api/v1/uploads/$upload"
status 200
# shellcheck disable=SC2016
body '.version_id == $version and .code == "created"' --arg version "$version"
get "/api/v1/uploads/$upload/document"
status 200
cmp -s "$BODY" "$file" || fail "the kept document has other bytes"
head_has content-disposition "$NAME"
get "/api/v1/versions/$version"
status 200
# shellcheck disable=SC2016
body '.file_name == $name and .counts == {"months": 61, "series": 12, "points": 732} and .valid_to == null' --arg name "$NAME"

send "$file" "$NAME"
status 200
# shellcheck disable=SC2016
body '.code == "already_stored" and .version_id == $version' --arg version "$version"

send "$GOOD/Energy_ERCOT_20240603_093000.csv" "$(name Energy ERCOT 093000)"
status 201
# shellcheck disable=SC2016
body '.code == "superseded" and .supersedes.version_id == $version' --arg version "$version"
get "/api/v1/versions/$version"
body '.valid_to != null'

get '/api/v1/uploads?limit=1'
status 200
# shellcheck disable=SC2016
body '(.items | length) == 1 and .items[0].uploader == $email and .items[0].status == 201 and .next != null' --arg email "$EMAIL"
head_has link 'rel="next"'
