# An archive, or several files, is a 207 with a result each; one bad file holds up no other.
source "$(dirname "$0")/lib.sh"

signed_in
call POST /api/v1/uploads -F "file=@$BAD/one_bad_entry.zip"
status 207
body '.results | length == 3'
body '.results | map({key: .file, value: .}) | from_entries
      | .["NonEnergy_ERCOT_20240510_101010.csv"].status == 422
        and .["NonEnergy_ERCOT_20240510_101010.csv"].code == "not_a_number"
        and (.["Energy_ERCOT_20240510_101010.csv"].status | IN(200, 201))
        and (.["REC_NYISO_20240510_101010.csv"].status | IN(200, 201))'
call POST /api/v1/uploads -F "file=@$BAD/one_bad_entry.zip"
status 207
body '[.results[] | select(.code == "already_stored" and .status == 200)] | length == 2'

unused energy isone
call POST /api/v1/uploads \
    -F "file=@$GOOD/Energy_ISONE_20240603_082540.csv;filename=$(name Energy ISONE 082540)" \
    -F "file=@$GOOD/Energy_ISONE_20240603_082542_cob.csv;filename=$(name Energy ISONE 082542 _cob)" \
    -F "file=@$BAD/empty.csv;filename=notes.txt"
status 207
body '[.results[].status] | sort == [201, 201, 400]'
call POST /api/v1/uploads -F "file=@$BAD/damaged.zip"
problem 415 bad_archive
