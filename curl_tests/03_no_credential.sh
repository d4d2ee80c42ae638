# Without a credential nothing answers but the short list of public calls: every operation that the
# description has is tried.
source "$(dirname "$0")/lib.sh"

get /openapi.json
status 200
jq -r '.paths | to_entries[] | .key as $path | .value | to_entries[]
       | select(.key | IN("get", "post", "put", "patch", "delete"))
       | "\(.key | ascii_upcase) \($path)"' "$BODY" > "$WORK/operations"
tried=0
while read -r method path; do
    case "$method $path" in
        'GET /livez' | 'GET /readyz' | 'GET /metrics' | 'POST /login' | 'POST /api/v1/tokens') continue ;;
    esac
    path=${path//'{id}'/1} path=${path//'{curve}'/energy} path=${path//'{iso}'/ercot}
    call "$method" "${path//'{day}'/2024-06-03}"
    problem 401 unauthenticated
    tried=$((tried + 1))
done < "$WORK/operations"
[ "$tried" -gt 20 ] || fail "only $tried operations are described"
for path in / /upload /uploads /curves /download /account; do
    get "$path"
    problem 401 unauthenticated
    get "$path" -H 'Accept: text/html'
    status 303
    head_has location '^/login'
done
call POST /api/v1/tokens -H 'Content-Type: application/json' -d '{}'
problem 401 unauthenticated
get /api/v1/me -H 'Authorization: Bearer tpk_nonsense'
problem 401 unauthenticated
get /api/v1/me -u "$EMAIL:$PASSWORD"
problem 401 unauthenticated
