//! The regions that the provider has, by its codes.

use chrono::{DateTime, Utc};

use crate::feeds::Scope;

struct Region {
    /// The present code first; older history may be under the others.
    codes: &'static [&'static str],
    /// Our id.
    id: &'static str,
    /// In seconds since 1970.
    first_available: i64,
}

/// 2018-01-01T00:00Z and the like, with the offset of the region's midnight.
const REGIONS: &[Region] = &[
    region(&["CAISO"], "US-CA-CAISO", 1_523_343_600), // 2018-04-10T07:00Z
    region(&["AESO"], "CA-AB-AESO", 1_589_558_400),   // 2020-05-15T16:00Z
    region(&["BPA"], "US-NW-BPA", 1_514_793_600),     // 2018-01-01T08:00Z
    region(&["ERCO", "ERCOT", "ERCOT-H"], "US-TX-ERCO", 1_530_507_900), // 2018-07-02T05:05Z
    region(&["IESO"], "CA-ON-IESO", 1_514_696_400),   // 2017-12-31T05:00Z
    region(&["ISONE"], "US-NE-ISONE", 1_420_088_400), // 2015-01-01T05:00Z
    region(&["MISO"], "US-MIDW-MISO", 1_514_782_800), // 2018-01-01T05:00Z
    region(&["NYISO"], "US-NY-NYISO", 1_512_104_700), // 2017-12-01T05:05Z
    region(&["NYISO.NYCW"], "US-NY-NYISO.NYCW", 1_546_300_800), // 2019-01-01T00:00Z
    region(&["NYISO.NYLI"], "US-NY-NYISO.NYLI", 1_546_300_800),
    region(&["NYISO.NYUP"], "US-NY-NYISO.NYUP", 1_546_300_800),
    region(&["PJM"], "US-MIDA-PJM", 1_498_881_900), // 2017-07-01T04:05Z
    region(&["SPP"], "US-CENT-SPP", 1_514_678_400), // 2017-12-31T00:00Z
];

const fn region(codes: &'static [&'static str], id: &'static str, first_available: i64) -> Region {
    Region { codes, id, first_available }
}

impl Region {
    fn scope(&self, code: &str) -> Scope {
        let first = DateTime::<Utc>::from_timestamp(self.first_available, 0);
        Scope::region(code, self.id, first.unwrap_or(DateTime::UNIX_EPOCH))
    }
}

fn find(code: &str) -> Option<&'static Region> {
    REGIONS.iter().find(|region| region.codes.contains(&code))
}

/// The scopes of the wanted codes that are known; of all regions by their present codes where none are
/// named.
pub(super) fn scopes(wanted: Option<&[String]>) -> Vec<Scope> {
    match wanted {
        None => REGIONS.iter().map(|region| region.scope(region.codes[0])).collect(),
        Some(codes) => codes.iter().filter_map(|code| Some(find(code)?.scope(code))).collect(),
    }
}

/// Whether an event of region `found` answers a question for `asked`: the same code, or another one of
/// the same region.
pub(super) fn is_same(found: &str, asked: &str) -> bool {
    found == asked || find(asked).is_some_and(|region| region.codes.contains(&found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_begins_when_its_table_says() {
        let first = |code: &str| {
            let scopes = scopes(Some(&[code.to_owned()]));
            scopes.first().map(|scope| scope.first_available.to_rfc3339())
        };
        for (code, at) in [
            ("CAISO", "2018-04-10T07:00"),
            ("AESO", "2020-05-15T16:00"),
            ("BPA", "2018-01-01T08:00"),
            ("ERCO", "2018-07-02T05:05"),
            ("ERCOT-H", "2018-07-02T05:05"),
            ("IESO", "2017-12-31T05:00"),
            ("ISONE", "2015-01-01T05:00"),
            ("MISO", "2018-01-01T05:00"),
            ("NYISO", "2017-12-01T05:05"),
            ("NYISO.NYCW", "2019-01-01T00:00"),
            ("NYISO.NYLI", "2019-01-01T00:00"),
            ("NYISO.NYUP", "2019-01-01T00:00"),
            ("PJM", "2017-07-01T04:05"),
            ("SPP", "2017-12-31T00:00"),
        ] {
            assert_eq!(first(code), Some(format!("{at}:00+00:00")), "{code}");
        }
        assert_eq!(first("XXX"), None);
        assert_eq!(scopes(None).len(), 13);
    }

    #[test]
    fn codes_of_one_region_answer_for_each_other() {
        assert!(is_same("ERCOT", "ERCO") && is_same("ERCO", "ERCOT-H") && is_same("HQT", "HQT"));
        assert!(!is_same("NYISO", "NYISO.NYCW") && !is_same("", "CAISO"));
    }
}
