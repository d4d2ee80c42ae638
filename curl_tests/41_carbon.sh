# Carbon intensity: what there is, how it is asked for, and what is refused. Whether there are rows depends
# on the server's feeds, so that lists may be empty here; 42_feeds.sh looks at figures.
source "$(dirname "$0")/lib.sh"

signed_in
DAY='start=2025-01-15T00:00:00Z&end=2025-01-16T00:00:00Z'

get /api/v1/regions
status 200
body 'any(.items[]; .region == "GB" and .zone == "Europe/London")'
body 'any(.items[].aliases[]; .provider == "singularity" and .code == "CAISO")'
get '/api/v1/regions?region=CAISO'
body '.items | length == 1 and .[0].region == "US-CA-CAISO"'
get /api/v1/factor-sets
status 200
body 'any(.items[]; .factor_set == "NESO" and .basis == "provider")'

get "/api/v1/carbon-intensity?region=GB&$DAY&limit=5"
status 200
head_has x-known-at 'Z$'
body '(.items | length) <= 5 and has("next")'
etag=$(header etag)
get "/api/v1/carbon-intensity?region=GB&$DAY&limit=5" -H "If-None-Match: $etag"
status 304
known=$(header x-known-at)
get "/api/v1/carbon-intensity?region=GB&$DAY&limit=5&as_of=$known"
status 200
[ "$(header x-known-at)" = "$known" ] || fail "another cut-off"

for granularity in native hour day week month; do
    get "/api/v1/carbon-intensity?region=GB&$DAY&granularity=$granularity&format=csv"
    status 200
    head_has content-type '^text/csv'
    head_has content-disposition "intensity_gb_${granularity}_2025-01-15_2025-01-16.csv"
    head -1 "$BODY" | grep -q '^region,feed,factor_set,metric,start_utc,start_local,seconds,value,unit,quality,rev,known_at' || fail "the header record"
done
get "/api/v1/carbon-intensity?region=GB&$DAY&format=xlsx"
status 200
head_has content-type 'spreadsheetml'
get /api/v1/carbon-intensity/latest
status 200
body 'all(.items[]; has("age_seconds") and has("late"))'
get "/api/v1/carbon-intensity/average?region=GB&$DAY"
status 200
body 'has("generated") and (.coverage | tonumber) >= 0 and (.coverage | tonumber) <= 1'
get "/api/v1/carbon-intensity/best-window?region=GB&$DAY&duration=PT3H"
status 200 404
[ "$STATUS" = 200 ] || problem 404 no_data
get '/api/v1/carbon-intensity/forecast?region=GB'
status 200
body 'all(.items[]; .start < .end and .unit == "g/kWh" and (.issued_at | endswith("Z")))'
get "/api/v1/fuel-mix?region=GB&$DAY&limit=3"
status 200
body '(.items | length) <= 3 and all(.items[]; has("mw") and has("percent"))'
get "/api/v1/emissions/region/GB?$DAY&granularity=day"
status 200
body 'all(.items[]; .duration_type == "daily" and .unit == "g/kWh")'
get '/emissions/bylocation?LOCATION=GB&time=2025-01-15T00:00:00Z&toTime=2025-01-15T01:00:00Z'
status 200 204
get /locations
status 200
body '.GB.name == "GB"'

get "/api/v1/carbon-intensity?region=NOWHERE&$DAY"
problem 404 no_such_region
get "/api/v1/carbon-intensity?region=GB&$DAY&regoin=GB"
problem 400 unknown_parameter
get '/api/v1/carbon-intensity?region=GB&start=2025-01-15&end=2025-01-16'
problem 400 bad_parameter
get "/api/v1/carbon-intensity?region=GB&$DAY&as_of=2999-01-01T00:00:00Z"
problem 400 bad_parameter
for wrong in metric=sum granularity=minute unit=kg format=pdf limit=0 cursor=x 'as_of=yesterday'; do
    get "/api/v1/carbon-intensity?region=GB&$DAY&$wrong"
    problem 400 bad_parameter
done
get "/api/v1/carbon-intensity/best-window?region=GB&$DAY&duration=3h"
problem 400 bad_parameter
get '/api/v1/emissions/region/NOWHERE?start=2025-01-15T00:00:00Z&end=2025-01-16T00:00:00Z'
problem 404 no_such_region
CREDENTIAL=()
for path in carbon-intensity carbon-intensity/latest fuel-mix regions factor-sets usage/daily-summary meters stream; do
    get "/api/v1/$path?region=GB&$DAY"
    problem 401 unauthenticated
done
