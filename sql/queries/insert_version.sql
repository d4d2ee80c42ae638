insert into curve_version (dataset_id, curve_timestamp, curve_timestamp_local, curve_timezone,
                           operating_day, cob, valid_to, sha256, upload_id, axis_length, months, dates,
                           month_numbers, hours, components, component_units, series_count, points,
                           first_month, last_month, stats, findings)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17::int * $10::int, $18, $19,
        $20, $21)
returning id
