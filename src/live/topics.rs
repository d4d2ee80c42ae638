//! Which events somebody wants, and which of them they may have.

use std::{collections::BTreeSet, str::FromStr};

use super::stream::Told;
use crate::domain::feed::Topic;

/// Topics, each of one subject or of all: `grid.intensity:US-NY-NYISO,grid.fuelmix:*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted(Vec<(Topic, Option<String>)>);

/// The most topics that one asks for.
const MOST: usize = 100;

/// The meters that somebody may read.
pub type Meters = BTreeSet<String>;

impl Wanted {
    /// Whether the subjects of a topic are meters, which are their owners' business.
    #[must_use]
    pub fn is_of_meters(topic: Topic) -> bool {
        matches!(topic, Topic::RetailUsage | Topic::RetailUsageRestated | Topic::UsageDay)
    }

    /// The first topic that somebody who may read `meters` is not let hear: usage of another's meter,
    /// or of any where there is none.
    #[must_use]
    pub fn refused(&self, meters: &Meters) -> Option<String> {
        let of_meters = self.0.iter().filter(|(topic, _)| Self::is_of_meters(*topic));
        let mut refused = of_meters.filter(|(_, subject)| match subject {
            None => meters.is_empty(),
            Some(meter) => !meters.contains(meter),
        });
        refused.next().map(|(topic, subject)| match subject {
            None => format!("{topic}:*"),
            Some(meter) => format!("{topic}:{meter}"),
        })
    }

    /// The regions that are named.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        let of_regions = |topic: &Topic| topic.as_str().starts_with("grid.");
        let named = self.0.iter().filter(move |(topic, _)| of_regions(topic));
        named.filter_map(|(_, subject)| subject.as_deref())
    }

    /// Whether an event is for somebody who may read `meters`.
    #[must_use]
    pub fn wants(&self, told: &Told, meters: &Meters) -> bool {
        let asked = self.0.iter().any(|(topic, subject)| {
            *topic == told.topic && subject.as_ref().is_none_or(|subject| *subject == told.subject)
        });
        asked && told.meter.as_ref().is_none_or(|meter| meters.contains(meter))
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let one = |part: &str| {
            let (topic, subject) = part.split_once(':').unwrap_or((part, "*"));
            let known = topic.parse::<Topic>().map_err(|error| error.to_string())?;
            match subject {
                "" => Err(format!("{part:?} names no subject; {topic}:* are all")),
                "*" => Ok((known, None)),
                subject => Ok((known, Some(subject.to_owned()))),
            }
        };
        let wanted: Vec<_> = text.split(',').map(str::trim).map(one).collect::<Result<_, _>>()?;
        if wanted.len() > MOST {
            return Err(format!("there are more than {MOST}; a * stands for all subjects"));
        }
        Ok(Self(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(topic: Topic, subject: &str, of_meter: bool) -> Told {
        Told::for_tests(1, topic, subject, of_meter.then_some(subject))
    }

    fn meters(ids: &[&str]) -> Meters {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn topics_are_chosen_by_name_and_subject() {
        let wanted: Wanted = "grid.intensity:GB, grid.fuelmix:*,page.reload".parse().unwrap();
        let wants =
            |topic, subject: &str| wanted.wants(&told(topic, subject, false), &Meters::new());
        assert!(wants(Topic::GridIntensity, "GB"));
        assert!(!wants(Topic::GridIntensity, "US-NY-NYISO"));
        assert!(!wants(Topic::GridIntensityRestated, "GB"));
        assert!(wants(Topic::GridFuelMix, "US-NY-NYISO") && wants(Topic::PageReload, "-"));
        assert_eq!(wanted.regions().collect::<Vec<_>>(), ["GB"]);
        for bad in ["", "grid", "grid.intensity:", "GRID.INTENSITY:GB", "grid.intensity,,", "*"] {
            assert!(bad.parse::<Wanted>().is_err(), "{bad:?}");
        }
        assert!(vec!["rollup"; 101].join(",").parse::<Wanted>().is_err());
    }

    #[test]
    fn usage_is_for_those_who_may_read_the_meter() {
        let all: Wanted = "retail.usage,usage.day:m1".parse().unwrap();
        assert_eq!(all.refused(&meters(&[])).unwrap(), "retail.usage:*");
        assert_eq!(all.refused(&meters(&["m2"])).unwrap(), "usage.day:m1");
        assert_eq!(all.refused(&meters(&["m1"])), None);
        let usage = told(Topic::RetailUsage, "m2", true);
        assert!(all.wants(&usage, &meters(&["m1", "m2"])) && !all.wants(&usage, &meters(&["m1"])));
        let rollups: Wanted = "rollup".parse().unwrap();
        assert!(rollups.wants(&told(Topic::Rollup, "GB", false), &meters(&[])));
        assert!(!rollups.wants(&told(Topic::Rollup, "m1", true), &meters(&[])));
        let status: Wanted = "feed.status".parse().unwrap();
        let of_m1 = Told::for_tests(1, Topic::FeedStatus, "octopus.usage", Some("m1"));
        assert!(status.wants(&of_m1, &meters(&["m1"])) && !status.wants(&of_m1, &meters(&[])));
    }
}
