insert into upload (id, received_at, uploader, via, file_name, archive_name, sha256, bytes, dry_run,
                    dataset_id, curve_timestamp, operating_day, cob, status, code, version_id, points,
                    errors, warnings, report, findings)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
