# Every error is a problem document with an honest status, whatever is asked.
source "$(dirname "$0")/lib.sh"

signed_in
id=0197a3c2-6f0e-7c3b-9d51-3f6a3f1f2b11
while read -r wanted code method path; do
    call "$method" "$path"
    problem "$wanted" "$code"
done << LIST
404 not_found GET /api/v1/nothing
404 not_found GET /nothing
405 method_not_allowed DELETE /api/v1/data
404 not_found GET /api/v1/uploads/$id
404 not_found GET /api/v1/uploads/$id/document
404 not_found GET /api/v1/uploads/x/report
404 not_found GET /api/v1/versions/0
404 not_found GET /api/v1/versions/x
404 no_data GET /api/v1/series/0/curve
404 not_found DELETE /api/v1/tokens/$id
404 not_found DELETE /api/v1/sessions/x
404 no_such_dataset GET /api/v1/datasets/nothing/ercot
400 unknown_parameter GET /api/v1/me?x=1
400 unknown_parameter GET /api/v1/datasets?page=2
400 bad_parameter GET /api/v1/datasets?cursor=x
400 bad_parameter GET /api/v1/uploads?limit=0
400 bad_parameter GET /api/v1/labels?curve=energy&iso=ercot
400 bad_parameter GET /api/v1/versions?curve=energy&iso=ercot&operating_day=2024-02-30
400 contradictory_parameters GET /api/v1/data?curve=energy&iso=ercot&start=2025-01&end=2024-01
LIST
call POST /api/v1/tokens -H 'Content-Type: application/json' -d '{"emial": "x"}'
problem 400 unknown_parameter
call POST /api/v1/tokens -H 'Content-Type: application/json' -d '{'
status 400
head_has content-type '^application/problem\+json$'
call POST /api/v1/tokens -d '{}'
status 415
head_has content-type '^application/problem\+json$'
# A browser gets the same facts as a page.
get /nothing -H 'Accept: text/html'
status 404
head_has content-type '^text/html'
grep -q "$(header x-request-id)" "$BODY" || fail "the page does not name the request"
