# The life of a user: invited, changed, reset, shut out, erased.
source "$(dirname "$0")/lib.sh"

signed_in
email="user-$(date +%s%N)@example.com"
tell() {
    call "$1" "$2" -H 'Content-Type: application/json' -d "$3"
}

tell POST /api/v1/users "{\"email\":\" ${email^^} \",\"role\":\"read_write\"}"
status 201
# shellcheck disable=SC2016
body '.user.email == $email and .user.packages == 1 and .link.purpose == "invite"' --arg email "$email"
id=$(json .user.id)
link=$(json .link.url)
tell POST /api/v1/users "{\"email\":\"$email\",\"role\":\"read_write\"}"
problem 409 email_taken
get "/api/v1/users?q=$email&status=enabled&role=read_write"
status 200
body '.items | length == 1 and (.[0].has_password | not)'

for role in '""' '"a"' '"ADMIN"' '"admin "' '["admin"]' null; do
    tell PATCH "/api/v1/users/$id" "{\"role\":$role}"
    status 400
done
tell PATCH "/api/v1/users/$id" '{"role":"read_only"}'
status 200
body '.role == "read_only" and .packages == 1'

# Looking at a link uses nothing up; a form without its token sets nothing.
saved=("${CREDENTIAL[@]}")
CREDENTIAL=()
get "/link/${link##*/}"
status 200
head_has cache-control no-store
call POST "/link/${link##*/}" -H 'Accept: text/html' -d password=four-words-of-a-song
status 403
get "/link/nothing"
problem 404 not_found
CREDENTIAL=("${saved[@]}")
call POST "/api/v1/users/$id/reset"
status 201
body '.link.purpose == "invite"'

call POST /api/v1/users/invite -H 'Content-Type: text/csv' --data-binary $'nobody\n'"many-$email,read_only"$'\n'
status 207
body '[.results[].status] == [400, 201]'

call DELETE "/api/v1/users/$id"
problem 409 not_disabled
tell PATCH "/api/v1/users/$id" '{"status":"disabled"}'
status 200
call DELETE "/api/v1/users/$id/sessions"
status 204
call DELETE "/api/v1/users/$id"
status 204
tell PATCH "/api/v1/users/$id" '{"status":"enabled"}'
problem 409 user_erased

get /api/v1/me
own=$(json .id)
tell PATCH "/api/v1/users/$own" '{"role":"read_only"}'
problem 403 own_account
get "/api/v1/users?page=2"
problem 400 unknown_parameter
