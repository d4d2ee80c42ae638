insert into headroom_version (dataset_id, matrix_version_id, ptc_version_id, load_profile_version_id,
                              curve_timestamp, operating_day, ptc_timestamp, offers)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning id
