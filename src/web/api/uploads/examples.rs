//! What the description shows of answers: a file that was stored, a dry run of it, one that was
//! refused, and both in one request.

use serde_json::{Value, json};

/// An energy file that closes the day, with one price out of the band.
pub(super) fn stored() -> Value {
    json!({
        "upload_id": "0197a3c2-6f0e-7c3b-9d51-3f6a3f1f2b11",
        "file": "Energy_MISO_20240603_082542_cob.csv",
        "sha256": "5f0c7a54d7a6a32f4a0cf8a2b8f2d3d5c9b0a4f6f8f5a7e8c6f1f6f2d2c4b9e1",
        "code": "superseded", "dry_run": false, "family": "energy", "iso": "miso",
        "curve_timestamp": "2024-06-03T08:25:42+00:00", "operating_day": "2024-06-03", "cob": true,
        "version_id": "18",
        "supersedes": {"version_id": "17", "curve_timestamp": "2024-06-03T08:25:40+00:00", "cob": false},
        "stats": {"rows": 61, "columns": 12, "points": 732, "missing": 0,
                  "missing_by_reason": {"empty": 0, "blank": 0, "na": 0}, "zeros": 0, "dash_zeros": 0,
                  "negatives": 0, "percent_cells": 0, "money_cells": 0, "min": "19.73", "max": "3333.33",
                  "sum": "40238.86", "months": 61, "first_month": "2024-06", "last_month": "2029-06"},
        "warnings": 1, "counts": {"error": 0, "warning": 1}, "by_code": {"out_of_band": 1},
        "truncated": false,
        "findings": [{"severity": "warning", "code": "out_of_band",
                      "message": "3333.33 $/MWh is above the band 0…1000", "row": 13, "column": 2,
                      "cell": "B13", "label": "AMILCIPS 7x8, 2024-06", "value": "3333.33",
                      "hint": "check the decimal point"}]
    })
}

/// The same as a dry run.
pub(super) fn dry_run() -> Value {
    let diff = json!({
        "against": "17", "changed": 1, "unchanged": 731, "series_added": 0, "series_removed": 0,
        "months_added": 0, "months_removed": 0,
        "largest": [{"label": "AMILCIPS 7x8", "month": "2024-06", "old": "19.41", "new": "3333.33"}]
    });
    with(stored(), json!({"dry_run": true, "version_id": null, "diff": diff}))
}

/// The answer of `/upload_csv`.
pub(super) fn stored_for_script() -> Value {
    let words = "Energy_MISO_20240603_082542_cob.csv: superseded";
    with(stored(), json!({"message_flag": "success", "message_toast": words}))
}

/// Two files in one request, or in an archive.
pub(super) fn several() -> Value {
    json!({"results": [with(stored(), json!({"status": 201})), refused()]})
}

/// A file without a proper name.
fn refused() -> Value {
    json!({
        "type": "about:blank", "title": "Bad Request", "status": 400, "code": "bad_filename",
        "detail": "notes.txt: the file name's extension is neither csv nor xlsx: \"txt\"",
        "part": "extension", "upload_id": "0197a3c2-6f11-7a02-8c1d-6d1e7b0f9a35", "file": "notes.txt",
        "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "dry_run": false, "version_id": null, "supersedes": null, "stats": null, "warnings": 0,
        "counts": {"error": 1, "warning": 0}, "by_code": {"bad_filename": 1}, "truncated": false,
        "errors": [{"severity": "error", "code": "bad_filename",
                    "message": "the file name's extension is neither csv nor xlsx: \"txt\"",
                    "row": null, "column": null, "cell": null, "label": null, "value": "txt",
                    "hint": "names are Energy_ERCOT_YYYYMMDD_HHMMSS[_cob].csv"}]
    })
}

/// `answer` with more members, or others.
fn with(mut answer: Value, members: Value) -> Value {
    if let (Some(answer), Value::Object(members)) = (answer.as_object_mut(), members) {
        answer.extend(members);
    }
    answer
}
