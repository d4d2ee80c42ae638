# How scripts sign in: a form, a token, Basic with the token; and out.
source "$(dirname "$0")/lib.sh"

call POST /login --data-urlencode "email=$EMAIL" --data-urlencode "password=$PASSWORD"
status 200
body '.message_flag == "success" and .token_type == "Bearer" and (.expires_at | endswith("Z"))'
[ -z "$(header set-cookie)" ] || fail "a script got a cookie"
login=$(json .access_token)
get /api/v1/me -H "Authorization: Bearer $login"
status 200
# shellcheck disable=SC2016
body '.email == $email and .role == "admin" and .credential == "token"' --arg email "$EMAIL"
get /api/v1/me -u "anybody:$login"
status 200

call POST /login --data-urlencode "email=$EMAIL" -d password=wrong-password-here
problem 401 wrong_credentials
call POST /login -d email=x@example.com
status 400
call POST "/login?password=x" --data-urlencode "email=$EMAIL" --data-urlencode "password=$PASSWORD"
status 400

signed_in
body '.scopes == ["read", "upload", "admin"]'
get /api/v1/tokens
status 200
# shellcheck disable=SC2016
body '.items[0] | .name == "curl tests" and (has("access_token") | not)'
id=$(json '.items[0].id')
get "/api/v1/data?curve=energy&iso=ercot&token=$TOKEN"
status 400
call DELETE "/api/v1/tokens/$id"
status 204
get /api/v1/me
problem 401 unauthenticated
head_has www-authenticate Bearer

CREDENTIAL=(-H "Authorization: Bearer $login")
call POST /logout
status 204
get /api/v1/me
problem 401 unauthenticated
