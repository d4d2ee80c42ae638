# Feeds: run by hand, looked at, paused, refused; and, where the answers of upstreams are recorded ones,
# the exact figures that they come to.
source "$(dirname "$0")/lib.sh"

signed_in
DAY='start=2025-01-15T00:00:00Z&end=2025-01-16T00:00:00Z'
tell() {
    call POST "/api/v1/feeds/$1" -H 'Content-Type: application/json' -d "$2"
}

# ran FEED SCOPE [FROM TO]: runs a scope, over what is due without a range, and waits for its end.
ran() {
    # shellcheck disable=SC2016
    tell "$1/run" "$(jq -n '{scopes: [$ARGS.positional[0]]}
        + if $ARGS.positional[1] then {from: $ARGS.positional[1], to: $ARGS.positional[2]} else {} end' --args "${@:2}")"
    status 202
    local run
    run=$(json '.run_ids | if length == 1 then .[0] else "several" end')
    for _ in $(seq 600); do
        get "/api/v1/feeds/$1/runs/$run"
        status 200
        case $(json .state) in queued | running) sleep 0.1 ;; *) break ;; esac
    done
    # shellcheck disable=SC2016
    body '.state == "done" and .feed == $feed and .task_kind == "manual" and .requested_by == $email' \
        --arg feed "$1" --arg email "$EMAIL"
}

get /api/v1/feeds
status 200
head_has content-type '^application/json'
body '(["carbonara.intensity", "gb.factors", "gb.forecast", "gb.intensity", "gb.mix",
       "nyiso.rtfuelmix", "octopus.account", "octopus.rates", "octopus.usage"] - [.items[].feed]) == []'
body 'all(.items[]; .attribution | length > 0)'
get /api/v1/feeds/gb.intensity
status 200
body '.config | .step_seconds == 1800 and .primary_metric == "generated" and .has_api_key == false
      and (has("api_key") | not)'
body '.scopes | length == 1 and .[0].scope == "GB" and .[0].region == "GB"'
for list in fetches gaps; do
    get "/api/v1/feeds/gb.intensity/$list?limit=2"
    status 200
    body '(.items | length) <= 2 and has("next")'
    get "/api/v1/feeds/gb.intensity/$list?limit=0"
    problem 400 bad_parameter
done

if [ -n "${RECORDED:-}" ]; then
    ran gb.intensity GB 2025-01-15T00:00:00Z 2025-01-16T00:00:00Z
    body '.totals | .changed == 0 and .rejected == 0'
    ran gb.intensity GB 2025-01-15T00:00:00Z 2025-01-16T00:00:00Z
    body '.totals | .new == 0 and .changed == 0 and .pages == 1'
    get '/api/v1/feeds/gb.intensity/fetches?limit=1'
    body '.items[0] | .class | IN("ok", "unchanged")'
    n=$(json '.items[0].id')
    sha256=$(json '.items[0].sha256')
    get "/api/v1/fetches/$n/document"
    status 200
    [ "$(sha256sum < "$BODY")" = "$sha256  -" ] || fail "another document than was fetched"
    cmp "$BODY" tests/it/wire/uk_intensity_date.json || fail "not the bytes of the upstream"

    get "/api/v1/carbon-intensity?region=GB&$DAY"
    body '.items | length == 48 and .[0].generated == "150" and .[47].generated == "141"
          and all(.[]; .unit == "g/kWh" and .quality == "measured" and .rev == 1 and .consumed == null)'
    get "/api/v1/carbon-intensity?region=GB&$DAY&format=csv&metric=generated"
    [ "$(grep -c '^GB,gb.intensity,NESO,generated,2025-01-15T' "$BODY")" = 48 ] || fail "not 48 records"
    get "/api/v1/carbon-intensity/average?region=GB&start=2025-01-15T01:15:00Z&end=2025-01-15T02:40:00Z"
    body '.generated == "180.117647059" and .coverage == "1" and .marginal == null'
    get "/api/v1/carbon-intensity/best-window?region=GB&$DAY&duration=PT3H"
    body '.start == "2025-01-15T16:30:00Z" and .end == "2025-01-15T19:30:00Z" and .average == "81.833333333"'
    get "/emissions/bylocation?location=GB&time=2025-01-15T00:00:00Z&toTime=2025-01-15T01:00:00Z"
    body '[.[].rating] == [150, 159] and .[0].duration == "00:30:00"'

    ran gb.mix GB 2025-01-15T00:00:00Z 2025-01-16T00:00:00Z
    get "/api/v1/fuel-mix?region=GB&start=2025-01-15T00:00:00Z&end=2025-01-15T00:30:00Z"
    body '.items | map({(.fuel): .percent}) | add == {biomass: "6", coal: "0", gas: "36", hydro: "1.6",
          imports: "12.5", nuclear: "13.5", other: "0.4", solar: "0", wind: "30"}'
    ran carbonara.intensity CAISO 2021-07-07T23:00:00Z 2021-07-08T00:00:00Z
    hour='region=US-CA-CAISO&start=2021-07-07T23:00:00Z&end=2021-07-08T00:00:00Z&granularity=hour'
    # Sums follow the rows at their own pace.
    for _ in $(seq 300); do
        get "/api/v1/carbon-intensity?$hour&unit=lb/MWh"
        [ "$(json '.items | length')" = 0 ] || break
        sleep 0.1
    done
    body '.items[0] | .generated == "542" and .marginal == "866.25" and .consumed == null
          and .n_present == {generated: 12, consumed: 0, marginal: 12}'
    get "/api/v1/carbon-intensity?$hour"
    body '.items[0] | .generated == "245.84706454" and .complete.generated and (.complete.consumed | not)'

    ran octopus.account account
    get /api/v1/meters
    status 200
    body '.items | length == 1 and .[0].own and .[0].unit == "kWh" and .[0].mpan_end == "0001"'
    ran octopus.usage "$(json '.items[0].id')" 2025-01-15T00:00:00Z 2025-01-16T00:00:00Z
    ran octopus.rates E-1R-AGILE-SAMPLE-25-C 2025-01-15T00:00:00Z 2025-01-16T00:00:00Z
    for _ in $(seq 300); do
        get /api/v1/usage/daily-summary/2025-01-15
        [ "$STATUS" != 200 ] || [ "$(json .complete)" != true ] || break
        sleep 0.1
    done
    status 200
    body '.total_energy_used == "21.697" and .carbon_grams == "3741.903" and .average_carbon_intensity == "172.4618"
          and .total_energy_cost_ex_vat == "299.6638" and .total_energy_cost_inc_vat == "314.6470"
          and .standing_exc_vat == "44.2000" and .standing_inc_vat == "46.4100"
          and .slots_expected == 48 and .slots_used == 48 and .missing_by_feed == {} and .complete'
    body '.mix_percentage | map({(.fuel): .perc}) | add
          | .gas == "32.91" and .wind == "32.43" and .solar == "0.66" and .coal == "0.00"'
fi

# The stream has no end: curl leaves after two seconds (28).
curl -sN -m 2 -D "$HEAD" -o "$BODY" "${CREDENTIAL[@]}" "$BASE_URL/api/v1/stream?topics=grid.intensity:GB" || [ $? = 28 ]
LAST='GET /api/v1/stream' STATUS=$(head -1 "$HEAD" | cut -d' ' -f2)
status 200
head_has content-type '^text/event-stream'
grep -q '^id: ' "$BODY" || fail "no place to resume from"
get '/api/v1/stream?topics=grid.nothing:GB'
problem 400 bad_parameter

tell gb.mix/pause '{}'
status 200 204
tell gb.mix/resume '{}'
status 200 204

tell gb.intensity/run '{"from": "2025-01-16T00:00:00Z", "to": "2025-01-15T00:00:00Z"}'
problem 400 bad_parameter
tell gb.intensity/run '{"form": "2025-01-16T00:00:00Z"}'
problem 400 unknown_parameter
get '/api/v1/feeds?feed=gb.intensity'
problem 400 unknown_parameter
tell gb.intensity/run '{"scopes": ["FR"]}'
problem 400 bad_parameter
tell gb.intensity/backfill '{"from": "2025-01-15T00:00:00Z"}'
problem 400 bad_parameter
tell octopus.account/run '{"from": "2025-01-15T00:00:00Z", "to": "2025-01-16T00:00:00Z"}'
problem 409 no_history
tell gb.nothing/run '{}'
problem 404 not_found
tell gb.intensity/backfill/999999999/cancel '{}'
problem 404 not_found
get /api/v1/feeds/gb.nothing
problem 404 not_found
get /api/v1/feeds/gb.intensity/runs/999999999
problem 404 not_found
get /api/v1/fetches/999999999/document
problem 404 not_found

# Who may read only, starts nothing and sees no document of an upstream.
CREDENTIAL=()
call POST /api/v1/tokens -H 'Content-Type: application/json' \
    -d "$(jq -n --arg e "$EMAIL" --arg p "$PASSWORD" \
        '{email: $e, password: $p, name: "reads only", scopes: ["read"], expires_in_days: 1}')"
status 201
CREDENTIAL=(-H "Authorization: Bearer $(json .access_token)")
get /api/v1/feeds
status 200
for order in run backfill pause resume; do
    tell "gb.intensity/$order" '{"from": "2025-01-15T00:00:00Z", "to": "2025-01-16T00:00:00Z"}'
    problem 403 forbidden
done
get /api/v1/fetches/1/document
problem 403 forbidden
CREDENTIAL=()
get /api/v1/feeds
problem 401 unauthenticated
