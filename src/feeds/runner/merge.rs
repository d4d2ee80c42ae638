//! How a wish for history joins those that wait: pure.

use chrono::{DateTime, Utc};

use crate::domain::feed::Window;

/// A backfill that is not at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// Its number.
    pub id: i64,
    /// What it covers.
    pub window: Window,
    /// Whether it began: then its start is fixed.
    pub begun: bool,
}

/// What a wish comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Those that cover more from now on.
    pub stretched: Vec<(i64, Window)>,
    /// Those that cover part of the wish as they are, or as they are stretched.
    pub covering: Vec<i64>,
    /// What none of them covers.
    pub new: Vec<Window>,
}

/// Lets the open backfills of a scope cover a wish; they do not overlap, and do not afterwards.
#[must_use]
pub fn merge(open: &[Open], wish: Window) -> Merged {
    let mut open: Vec<(Open, bool)> = open.iter().map(|one| (*one, false)).collect();
    open.sort_by_key(|(one, _)| one.window.from());
    let mut new = Vec::new();
    for piece in uncovered(&open, wish) {
        let before = open.iter().position(|(one, _)| one.window.to() == piece.from());
        let after = open.iter().position(|(one, _)| one.window.from() == piece.to() && !one.begun);
        let stretched = match (before, after) {
            (Some(at), _) => reach(open[at].0.window.from(), piece.to()).map(|window| (at, window)),
            (None, Some(at)) => {
                reach(piece.from(), open[at].0.window.to()).map(|window| (at, window))
            }
            (None, None) => None,
        };
        match stretched {
            Some((at, window)) => {
                open[at].0.window = window;
                open[at].1 = true;
            }
            None => new.push(piece),
        }
    }
    let stretched = open.iter().filter(|(_, stretched)| *stretched);
    let covering = open.iter().filter(|(one, _)| one.window.meet(wish).is_some());
    Merged {
        stretched: stretched.map(|(one, _)| (one.id, one.window)).collect(),
        covering: covering.map(|(one, _)| one.id).collect(),
        new,
    }
}

fn reach(from: DateTime<Utc>, to: DateTime<Utc>) -> Option<Window> {
    Window::new(from, to).ok()
}

fn uncovered(open: &[(Open, bool)], wish: Window) -> Vec<Window> {
    let mut rest = Vec::new();
    let mut from = wish.from();
    for covered in open.iter().filter_map(|(one, _)| one.window.meet(wish)) {
        rest.extend(Window::new(from, covered.from()).ok());
        from = from.max(covered.to());
    }
    rest.extend(Window::new(from, wish.to()).ok());
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window(from: i64, to: i64) -> Window {
        let at = |hour: i64| DateTime::from_timestamp(hour * 3600, 0).unwrap();
        Window::new(at(from), at(to)).unwrap()
    }

    fn hours(window: Window) -> std::ops::Range<i64> {
        window.from().timestamp() / 3600..window.to().timestamp() / 3600
    }

    #[test]
    fn a_wish_joins_what_waits_and_does_not_move_the_start_of_what_began() {
        let open = |begun| [Open { id: 7, window: window(10, 20), begun }];
        let wish = window(5, 25);
        let waits = merge(&open(false), wish);
        assert_eq!((waits.stretched, waits.new), (vec![(7, window(5, 25))], vec![]));
        let begun = merge(&open(true), wish);
        assert_eq!((begun.stretched, begun.new), (vec![(7, window(10, 25))], vec![window(5, 10)]));
        let inside = merge(&open(true), window(12, 13));
        assert_eq!(inside, Merged { covering: vec![7], ..Merged::default() });
    }

    proptest! {
        #[test]
        fn nothing_is_covered_twice_or_lost(
            wishes in prop::collection::vec((0_i64..60, 1_i64..20, any::<bool>()), 1..12)
        ) {
            let mut open: Vec<Open> = Vec::new();
            let mut wanted = std::collections::BTreeSet::new();
            for (number, (from, length, begins)) in wishes.into_iter().enumerate() {
                let wish = window(from, from + length);
                wanted.extend(hours(wish));
                let merged = merge(&open, wish);
                for (id, window) in &merged.stretched {
                    let one = open.iter_mut().find(|one| one.id == *id).unwrap();
                    prop_assert!(!one.begun || one.window.from() == window.from());
                    one.window = *window;
                }
                for (place, window) in (0_i64..).zip(&merged.new) {
                    let id = i64::try_from(number).unwrap() * 100 + place;
                    open.push(Open { id, window: *window, begun: begins });
                }
                let mut covered = std::collections::BTreeSet::new();
                for one in &open {
                    for hour in hours(one.window) {
                        prop_assert!(covered.insert(hour), "twice");
                    }
                }
                prop_assert_eq!(&covered, &wanted);
            }
        }
    }
}
