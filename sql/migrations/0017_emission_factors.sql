-- Emission factors in g/kWh, dated, each with its source in words. Quotients of totals are computed here
-- from the totals and kept with nine decimals: with six, figures differ in their last printed digit.

insert into emission_factor (factor_set_id, fuel, valid_from, g_per_kwh, source)
select 'NY-STATE-2016', fuel, date '1970-01-01', round(tonnes * 1000 / mwh, 9),
       format('%s: %s t (EIA-923) over %s MWh (EIA-906/920/923), state of New York, 2016', what, tonnes, mwh)
from (values
    ('Natural Gas', 26865277::numeric, 56793336::numeric, 'Natural gas, all plants alike'),
    ('Petroleum', 623836, 642952, 'Petroleum'),
    ('Other Fossil Fuels', 2145561, 1770238, 'Coal, in the place of all other fossil fuels'),
    ('Dual Fuel', 623836 + 0.3 * 26865277, 642952 + 0.3 * 56793336,
     'All petroleum and 30 % of the gas, a constant blend'),
    -- What the fuels together must come near to: no fuel of a mix has this name.
    ('State Total', 31295191, 134417107, 'All generation, as a check: 232.8')
) as total (fuel, tonnes, mwh, what);

insert into emission_factor (factor_set_id, fuel, valid_from, g_per_kwh, source)
select factor_set_id, fuel, valid_from::date, g_per_kwh, source
from (values
    ('NY-STATE-2016', 'No direct CO2; biomass and refuse, which are among the other renewables, count as zero',
     '1970-01-01', array['Nuclear', 'Hydro', 'Wind', 'Other Renewables', 'unknown'], array[0, 0, 0, 0, 0]::numeric[]),
    ('IPCC-2014-LIFECYCLE', 'IPCC AR5 WG III (2014), annex III, table A.III.2: median of the lifecycle',
     '1970-01-01',
     array['biomass', 'coal', 'gas', 'geothermal', 'hydro', 'nuclear', 'oil', 'solar', 'wind', 'unknown'],
     array[230, 820, 490, 38, 24, 12, 650, 45, 11, 700]::numeric[]),
    ('IPCC-2014-DIRECT', 'IPCC AR5 WG III (2014), annex III, table A.III.2: direct emissions',
     '1970-01-01',
     array['biomass', 'coal', 'gas', 'geothermal', 'hydro', 'nuclear', 'oil', 'solar', 'wind', 'unknown'],
     array[0, 760, 370, 0, 0, 0, 406, 0, 0, 575]::numeric[]),
    ('NESO', 'Carbon Intensity API, published factors (CC BY 4.0)', '1970-01-01',
     array['Biomass', 'Coal', 'Gas (Combined Cycle)', 'Gas (Open Cycle)', 'Oil', 'Other', 'Nuclear', 'Hydro', 'Wind',
           'Solar', 'Pumped Storage', 'French Imports', 'Dutch Imports', 'Irish Imports'],
     array[120, 937, 394, 651, 935, 300, 0, 0, 0, 0, 0, 53, 474, 458]::numeric[]),
    ('NESO', 'Carbon Intensity methodology; not among the factors that the API publishes', '1970-01-01',
     array['Belgian Imports'], array[179]::numeric[])
) as published (factor_set_id, source, valid_from, fuels, factors),
unnest(fuels, factors) as factor (fuel, g_per_kwh);

-- eGRID by year. The newest year holds until the next is published; before 2021 the set knows nothing.
-- What comes before the plant is added to what is burnt; for other fuels the set gives no figure but zero,
-- and none at all for unknown ones.
insert into emission_factor (factor_set_id, fuel, valid_from, valid_to, g_per_kwh, source)
select factor_set_id, fuel, make_date(year, 1, 1), case when year < 2023 then make_date(year + 1, 1, 1) end,
       g_per_kwh + case factor_set_id when 'EGRID-NY-LIFECYCLE' then upstream else 0 end,
       format('EPA eGRID %s, New York', year)
           || case when factor_set_id = 'EGRID-NY-LIFECYCLE' and upstream > 0
                   then format(', and %s g/kWh before the plant', upstream) else '' end
from (values ('EGRID-NY'), ('EGRID-NY-LIFECYCLE')) as variant (factor_set_id),
     (values (2021, 983.71, 412.60, 503.25), (2022, 992.45, 419.38, 660.61), (2023, 1019.19, 417.21, 503.38))
         as edition (year, coal, gas, oil),
     lateral (values ('coal', coal, 60), ('gas', gas, 120), ('oil', oil, 244), ('nuclear', 0, 0), ('hydro', 0, 0),
                     ('wind', 0, 0), ('biomass', 0, 0)) as factor (fuel, g_per_kwh, upstream);

-- The names of NYISO in the sets that know fuels by other names. Plants that burn either gas or oil count
-- as gas. Other fossil fuels were mixed before April 2020, with coal as their greater part, and count as
-- coal; since then they are mainly oil. Other renewables are refuse, landfill gas and wood: biomass.
insert into emission_factor (factor_set_id, region_id, fuel, valid_from, valid_to, g_per_kwh, source)
select f.factor_set_id, 'US-NY-NYISO', n.name, greatest(f.valid_from, n.valid_from),
       least(f.valid_to, n.valid_to), f.g_per_kwh, f.source || n.note
from emission_factor f
join (values
    ('Natural Gas', 'gas', date '1970-01-01', null::date, ''),
    ('Dual Fuel', 'gas', '1970-01-01', null, '; dual fuel counted as gas'),
    ('Other Fossil Fuels', 'coal', '1970-01-01', '2020-04-01',
     '; other fossil fuels counted as coal, their greater part before April 2020'),
    ('Other Fossil Fuels', 'oil', '2020-04-01', null,
     '; other fossil fuels counted as oil, mainly so since April 2020'),
    ('Nuclear', 'nuclear', '1970-01-01', null, ''),
    ('Hydro', 'hydro', '1970-01-01', null, ''),
    ('Wind', 'wind', '1970-01-01', null, ''),
    ('Other Renewables', 'biomass', '1970-01-01', null,
     '; other renewables counted as biomass: refuse, landfill gas, wood'),
    ('unknown', 'unknown', '1970-01-01', null, '; a fuel that is not known')
) as n (name, fuel, valid_from, valid_to, note) on n.fuel = f.fuel
where f.factor_set_id in ('IPCC-2014-LIFECYCLE', 'IPCC-2014-DIRECT', 'EGRID-NY', 'EGRID-NY-LIFECYCLE')
  and f.region_id = '*'
  and (n.valid_to is null or f.valid_from < n.valid_to)
  and (f.valid_to is null or n.valid_from < f.valid_to);
