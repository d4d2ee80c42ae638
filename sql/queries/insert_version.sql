insert into curve_version (dataset_id, curve_timestamp, curve_timestamp_local, curve_timezone,
                           operating_day, cob, valid_to, sha256, upload_id, axis_length, months,
                           series_count, points, first_month, last_month, stats, findings)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, cardinality($10::date[]), $10, $11,
        $11 * cardinality($10::date[]), $12, $13, $14, $15)
returning id
