# What the tests share. Source it; needs curl and jq. Asks BASE_URL as EMAIL with PASSWORD (an
# administrator). Every test makes what it needs, on operating days that nobody used, so that it
# can be run alone, again and against any server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${BASE_URL:?the server to ask, such as http://127.0.0.1:8080}"
: "${EMAIL:?of an administrator}" "${PASSWORD:?of the administrator}"

GOOD=good_test_data/good
BAD=good_test_data/bad
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
BODY=$WORK/body
HEAD=$WORK/head
CREDENTIAL=()
LAST=

fail() {
    echo "$1" >&2
    {
        echo "    after $LAST"
        echo "    status $STATUS"
        head -c 2000 "$BODY"
        echo
    } >&2
    exit 1
}

# call METHOD PATH [what curl takes]: sends, and leaves STATUS, $HEAD and $BODY.
call() {
    local method=$1 path=$2
    shift 2
    LAST="$method $path"
    # HEAD has no body to wait for.
    if [ "$method" = HEAD ]; then set -- --head "$@"; else set -- -X "$method" "$@"; fi
    : > "$BODY"
    STATUS=$(curl -sS -o "$BODY" -D "$HEAD" -w '%{http_code}' "${CREDENTIAL[@]}" "$@" "$BASE_URL$path")
}

get() {
    call GET "$@"
}

header() {
    tr -d '\r' < "$HEAD" | awk -v name="$1" 'BEGIN { FS = ": " } tolower($1) == name { sub(/^[^:]*: /, ""); print }'
}

# status WANTED...: one of these.
status() {
    case " $* " in *" $STATUS "*) ;; *) fail "status $STATUS, wanted $*" ;; esac
}

# body 'JQ EXPRESSION' [--arg name value]...: must be true of the JSON body.
body() {
    jq -e "${@:2}" "$1" "$BODY" > "$WORK/jq" 2>&1 || fail "not so: $1 ($(head -1 "$WORK/jq"))"
}

# json 'JQ EXPRESSION': what it gives, of the body.
json() {
    jq -r "$1" "$BODY"
}

# head_has NAME REGEX: a header of the answer.
head_has() {
    header "$1" | grep -Eq "$2" || fail "header $1 is '$(header "$1")', wanted $2"
}

# problem STATUS CODE: an error as every error is.
problem() {
    status "$1"
    head_has content-type '^application/problem\+json$'
    # shellcheck disable=SC2016
    body '.status == $status and .code == $code and (.title | length > 0)
          and (.detail | length > 0) and .type == "about:blank"' --argjson status "$1" --arg code "$2"
    [ "$(header x-request-id)" = "$(json .instance)" ] || fail "instance is not the request id"
}

# Every following call carries a new token.
signed_in() {
    CREDENTIAL=()
    call POST /api/v1/tokens -H 'Content-Type: application/json' \
        -d "$(jq -n --arg e "$EMAIL" --arg p "$PASSWORD" '{email: $e, password: $p, name: "curl tests", expires_in_days: 1}')"
    status 201
    TOKEN=$(json .access_token)
    CREDENTIAL=(-H "Authorization: Bearer $TOKEN")
}

# unused CURVE ISO: sets DAY to an operating day of the past without a version.
unused() {
    local seconds
    while :; do
        # 2000 to 2022.
        seconds=$((946684800 + (RANDOM * 32768 + RANDOM) % 8400 * 86400))
        DAY=$(date -u -d "@$seconds" +%F)
        get "/api/v1/versions?curve=$1&iso=$2&operating_day=$DAY"
        status 200
        [ "$(json '.items | length')" != 0 ] || return 0
    done
}

# send FILE AS [QUERY]: uploads a file under a name.
send() {
    call POST "/api/v1/uploads${3:-}" -F "file=@$1;filename=$2"
}

# name CURVE ISO TIME [_cob] [EXTENSION]: the name of a file of DAY.
name() {
    echo "$1_$2_${DAY//-/}_$3${4:-}.${5:-csv}"
}

# published CURVE ISO FILE: publishes a file on an unused day; sets DAY and NAME.
published() {
    unused "${1,,}" "${2,,}"
    NAME=$(name "$1" "$2" 080000)
    send "$3" "$NAME"
    status 201
}
