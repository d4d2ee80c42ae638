//! Which slots are missing: pure. What is missing was compared slot by slot; what is kept are runs.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    db::feeds::{gaps::GapRow, progress::Island},
    domain::feed::{GapState, Window},
};

/// How long it is before a gap is asked for again, in hours: twelve tries over thirty days, first often
/// and then seldom. Each counts from the one before, so that they are as far apart when some come late.
const WAITS: [i64; 12] = [1, 2, 6, 15, 24, 48, 72, 96, 96, 120, 120, 120];

/// Slots that ended a shorter while ago are not given up: those that a gap grew by were tried less often
/// than it was.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::days(30);

/// The slots of a feed: multiples of their length since 1970, which all native lengths are.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    step: i64,
}

impl Grid {
    /// Slots of so many seconds; none without a length.
    #[must_use]
    pub fn new(step_secs: Option<u32>) -> Option<Self> {
        step_secs.filter(|&step| step > 0).map(|step| Self { step: i64::from(step) })
    }

    /// Length of a slot.
    #[must_use]
    pub fn step(self) -> TimeDelta {
        TimeDelta::seconds(self.step)
    }

    /// Length of a slot in seconds, as statements take it.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.step().as_seconds_f64()
    }

    /// The first start of a slot at or after an instant.
    #[must_use]
    pub fn up(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let down = self.down(at);
        if down == at { at } else { down + self.step() }
    }

    /// The last start of a slot at or before an instant.
    #[must_use]
    pub fn down(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let seconds = at.timestamp().div_euclid(self.step) * self.step;
        DateTime::from_timestamp(seconds, 0).unwrap_or(at)
    }

    /// The slots of a window that are expected: that begin in it, not before `first`, and that had
    /// ended by `last`.
    #[must_use]
    pub fn expected(
        self,
        window: Window,
        first: DateTime<Utc>,
        last: DateTime<Utc>,
    ) -> Option<Window> {
        let from = self.up(window.from().max(first));
        Window::new(from, self.up(window.to()).min(self.down(last))).ok()
    }

    /// The runs of slots of `expected` that no island holds, in order.
    #[must_use]
    pub fn missing(self, expected: Window, islands: &[Island]) -> Vec<Window> {
        let mut missing = Vec::new();
        let mut from = expected.from();
        for &(first, last) in islands {
            missing.extend(Window::new(from, first.min(expected.to())).ok());
            from = from.max(last + self.step());
        }
        missing.extend(Window::new(from, expected.to()).ok());
        missing
    }
}

/// What a comparison of slots changes about the gaps that are kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Starts of gaps that are kept no longer as they were.
    pub gone: Vec<DateTime<Utc>>,
    /// What is kept in their place.
    pub put: Vec<GapRow>,
}

/// A look at slots.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Those that were looked at.
    pub examined: Window,
    /// The first that is ever asked for.
    pub first: DateTime<Utc>,
    /// The slots of the feed.
    pub grid: Grid,
    /// When.
    pub now: DateTime<Utc>,
}

/// Holds the gaps that lie in what was looked at or touch it against the runs that are missing in it. What
/// is kept stays maximal and free of overlap. Of a gap that lies in it in part, only that part is filled or
/// given up; and it counts as tried when its beginning is, as a backfill for it does first.
#[must_use]
pub fn reconcile(kept: &[GapRow], missing: &[Window], look: &Look) -> Changes {
    let mut pieces = Vec::new();
    for gap in kept {
        pieces.extend(outside(gap, look.examined));
        pieces.extend(inside(gap, missing, look));
    }
    for window in missing {
        let known: Vec<Window> = kept.iter().filter_map(span).collect();
        pieces.extend(without(*window, &known).into_iter().map(|piece| found(piece, look.now)));
    }
    pieces.sort_by_key(|gap: &GapRow| gap.start_at);
    let wanted = join(pieces, look.first);
    let gone = kept.iter().filter(|gap| !wanted.contains(gap)).map(|gap| gap.start_at).collect();
    let put = wanted.into_iter().filter(|gap| !kept.contains(gap)).collect();
    Changes { gone, put }
}

fn span(gap: &GapRow) -> Option<Window> {
    Window::new(gap.start_at, gap.end_at).ok()
}

fn cut(gap: &GapRow, to: Window) -> GapRow {
    GapRow { start_at: to.from(), end_at: to.to(), ..gap.clone() }
}

/// What of a gap was not looked at.
fn outside(gap: &GapRow, examined: Window) -> Vec<GapRow> {
    let rest = span(gap).map(|span| without(span, &[examined])).unwrap_or_default();
    rest.into_iter().map(|piece| cut(gap, piece)).collect()
}

/// What became of the part of a gap that was looked at: still missing, or there by now.
fn inside(gap: &GapRow, missing: &[Window], look: &Look) -> Vec<GapRow> {
    let now = look.now;
    let part = span(gap).and_then(|span| span.meet(look.examined));
    let still: Vec<Window> = part
        .into_iter()
        .flat_map(|part| missing.iter().filter_map(move |m| m.meet(part)))
        .collect();
    let came = part.map(|part| without(part, &still)).unwrap_or_default();
    let still = still.into_iter().flat_map(|piece| tried(lost(cut(gap, piece), now), look));
    let came = came.into_iter().map(|piece| filled(cut(gap, piece), now));
    still.chain(came).collect()
}

/// `whole` less what `others` cover.
#[must_use]
pub fn without(whole: Window, others: &[Window]) -> Vec<Window> {
    let mut others: Vec<Window> = others.iter().filter_map(|other| other.meet(whole)).collect();
    others.sort();
    let mut rest = Vec::new();
    let mut from = whole.from();
    for other in others {
        rest.extend(Window::new(from, other.from()).ok());
        from = from.max(other.to());
    }
    rest.extend(Window::new(from, whole.to()).ok());
    rest
}

fn found(window: Window, now: DateTime<Utc>) -> GapRow {
    GapRow {
        start_at: window.from(),
        end_at: window.to(),
        state: GapState::Open.to_string(),
        tries: 0,
        next_try: Some(now + TimeDelta::hours(WAITS[0])),
        opened_at: now,
        closed_at: None,
    }
}

fn filled(gap: GapRow, now: DateTime<Utc>) -> GapRow {
    if gap.state == GapState::Filled.as_str() {
        return gap;
    }
    let state = GapState::Filled.to_string();
    GapRow { state, next_try: None, closed_at: Some(now), ..gap }
}

/// What is missing stays as it was kept. Rows do not go away; if they did, it would be a new gap.
fn lost(gap: GapRow, now: DateTime<Utc>) -> GapRow {
    if gap.state != GapState::Filled.as_str() {
        return gap;
    }
    span(&gap).map_or(gap, |span| found(span, now))
}

/// A gap that was asked for again in vain: that counts when it was due. After the last try its slots are
/// given up, but for those that are too young; they are tried on.
fn tried(gap: GapRow, look: &Look) -> Vec<GapRow> {
    let now = look.now;
    let is_due = gap.next_try.is_some_and(|at| at <= now);
    if gap.state != GapState::Open.as_str() || !is_due {
        return vec![gap];
    }
    let tries = gap.tries.saturating_add(1);
    let wait = usize::try_from(tries).ok().and_then(|tries| WAITS.get(tries));
    if let Some(&hours) = wait {
        let next_try = Some(now + TimeDelta::hours(hours));
        return vec![GapRow { tries, next_try, ..gap }];
    }
    let young = look.grid.down(now - GIVEN_UP_AFTER).clamp(gap.start_at, gap.end_at);
    let last_wait = TimeDelta::hours(WAITS[WAITS.len() - 1]);
    let rest = GapRow { start_at: young, next_try: Some(now + last_wait), ..gap.clone() };
    let state = GapState::UpstreamAbsent.to_string();
    let closed_at = Some(now);
    let given_up = GapRow { end_at: young, tries, state, next_try: None, closed_at, ..gap };
    [given_up, rest].into_iter().filter(|gap| gap.start_at < gap.end_at).collect()
}

/// Neighbours in the same state become one, as old as the older. It goes by the schedule of the earlier:
/// a gap that grows at its end keeps its own, and what is found missing before it is tried from anew. What
/// lies before `first` is not asked for, and so has no say.
fn join(pieces: Vec<GapRow>, first: DateTime<Utc>) -> Vec<GapRow> {
    let mut joined: Vec<GapRow> = Vec::new();
    for piece in pieces {
        match joined.last_mut() {
            Some(last) if last.end_at == piece.start_at && last.state == piece.state => {
                last.end_at = piece.end_at;
                last.opened_at = last.opened_at.min(piece.opened_at);
                last.closed_at = last.closed_at.max(piece.closed_at);
                if piece.start_at == first {
                    (last.tries, last.next_try) = (piece.tries, piece.next_try);
                }
            }
            _ => joined.push(piece),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    const STEP: i64 = 300;

    fn at(slot: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(slot * STEP, 0).unwrap()
    }

    fn slots(window: Window) -> std::ops::Range<i64> {
        window.from().timestamp() / STEP..window.to().timestamp() / STEP
    }

    fn grid() -> Grid {
        Grid::new(Some(300)).unwrap()
    }

    fn look(examined: Window, now: DateTime<Utc>) -> Look {
        Look { examined, first: at(0), grid: grid(), now }
    }

    fn islands(present: &[bool], from: i64) -> Vec<Island> {
        let mut islands: Vec<Island> = Vec::new();
        for (slot, _) in (from..).zip(present).filter(|(_, there)| **there) {
            match islands.last_mut() {
                Some(last) if last.1 == at(slot - 1) => last.1 = at(slot),
                _ => islands.push((at(slot), at(slot))),
            }
        }
        islands
    }

    #[test]
    fn only_slots_that_had_time_to_come_are_expected() {
        let window = Window::new(at(10), at(20)).unwrap();
        let some = |from, to| Window::new(at(from), at(to)).ok();
        assert_eq!(grid().expected(window, at(0), at(30)), some(10, 20));
        assert_eq!(grid().expected(window, at(12) - TimeDelta::seconds(1), at(30)), some(12, 20));
        assert_eq!(grid().expected(window, at(0), at(15) + TimeDelta::seconds(299)), some(10, 15));
        assert_eq!(grid().expected(window, at(0), at(10)), None);
        let odd = Window::new(at(10) + TimeDelta::seconds(60), at(12) + TimeDelta::seconds(60));
        assert_eq!(grid().expected(odd.unwrap(), at(0), at(30)), some(11, 13));
    }

    #[test]
    fn a_gap_is_given_up_after_twelve_tries_over_thirty_days() {
        let (examined, start) = (Window::new(at(0), at(10)).unwrap(), at(20));
        let missing = [Window::new(at(3), at(5)).unwrap()];
        let mut now = start;
        let mut kept = reconcile(&[], &missing, &look(examined, now)).put;
        let mut tries = 0;
        while kept[0].state == "open" {
            let early = reconcile(
                &kept,
                &missing,
                &look(examined, kept[0].next_try.unwrap() - TimeDelta::seconds(1)),
            );
            assert_eq!(early, Changes::default(), "a look before its time is no try");
            now = kept[0].next_try.unwrap();
            kept = reconcile(&kept, &missing, &look(examined, now)).put;
            tries += 1;
            assert!(tries <= 12);
        }
        assert_eq!(
            (tries, &*kept[0].state, now - start),
            (12, "upstream_absent", TimeDelta::days(30))
        );
        let came = reconcile(&kept, &[], &look(examined, now)).put;
        assert_eq!(came[0].state, "filled", "even then");
    }

    #[test]
    fn a_gap_that_grows_is_tried_by_its_schedule_and_what_it_grew_by_is_not_given_up_with_it() {
        let hour = 3600 / STEP;
        let mut kept: Vec<GapRow> = Vec::new();
        let (mut tried_at, mut absent_at) = (Vec::new(), None);
        for hours in 1..=60 * 24 {
            let now = at(hours * hour);
            // All that ended is looked at and missing, as in an outage.
            let all = Window::new(at(0), now).unwrap();
            let before = kept.first().map_or(0, |gap| gap.tries);
            let Changes { gone, put } = reconcile(&kept, &[all], &look(all, now));
            kept.retain(|gap| !gone.contains(&gap.start_at));
            kept.extend(put);
            kept.sort_by_key(|gap| gap.start_at);
            match (&*kept[0].state, absent_at) {
                ("open", _) if kept[0].tries > before => tried_at.push(hours - 1),
                ("upstream_absent", None) => absent_at = Some(hours - 1),
                _ => assert_eq!(kept[0].tries, before.max(kept[0].tries)),
            }
            let young = now - GIVEN_UP_AFTER;
            assert!(kept.iter().all(|gap| gap.state == "open" || gap.end_at <= young));
            assert_eq!((kept[0].start_at, kept[kept.len() - 1].end_at), (at(0), now));
        }
        assert_eq!(tried_at, [1, 3, 9, 24, 48, 96, 168, 264, 360, 480, 600]);
        assert_eq!(absent_at, Some(720));
        assert_eq!(kept.len(), 2, "{kept:?}");
    }

    #[test]
    fn only_what_was_looked_at_is_given_up_and_only_a_look_at_the_beginning_is_a_try() {
        let whole = Window::new(at(0), at(100)).unwrap();
        let now = at(100) + TimeDelta::days(90);
        let gap = GapRow { tries: 11, next_try: Some(now), ..found(whole, at(110)) };
        let after = |kept: &[GapRow], from: i64, to: i64, first: i64| {
            let examined = Window::new(at(from), at(to)).unwrap();
            let mut all = kept.to_vec();
            let Changes { gone, put } =
                reconcile(kept, &[examined], &Look { first: at(first), ..look(examined, now) });
            all.retain(|gap| !gone.contains(&gap.start_at));
            all.extend(put);
            all.sort_by_key(|gap| gap.start_at);
            all
        };
        let states = |gaps: &[GapRow]| -> Vec<(i64, i64, String)> {
            let slots = |gap: &GapRow| slots(span(gap).unwrap());
            gaps.iter().map(|gap| (slots(gap).start, slots(gap).end, gap.state.clone())).collect()
        };
        let row = |from, to, state: &str| (from, to, state.to_owned());
        let middle = after(std::slice::from_ref(&gap), 40, 60, 0);
        let expected = [row(0, 40, "open"), row(40, 60, "upstream_absent"), row(60, 100, "open")];
        assert_eq!(states(&middle), expected);
        // A backfill for it, in two windows.
        let first = after(std::slice::from_ref(&gap), 0, 50, 0);
        assert_eq!(states(&first), [row(0, 50, "upstream_absent"), row(50, 100, "open")]);
        assert_eq!(states(&after(&first, 50, 100, 0)), [row(0, 100, "upstream_absent")]);

        let young = [GapRow { tries: 3, ..gap }];
        assert_eq!(after(&young, 40, 100, 0), young);
        let begun = after(&young, 0, 50, 0);
        assert_eq!((begun.len(), begun[0].tries), (1, 4));
        assert_eq!(after(&begun, 50, 100, 0), begun, "once for both windows");

        // What lies before the beginning of history is never looked at.
        let cut = after(&begun, 20, 50, 20);
        assert_eq!((cut.len(), cut[0].tries), (1, 4), "not due");
        let due = [GapRow { next_try: Some(now), ..begun[0].clone() }];
        let cut = after(&due, 20, 50, 20);
        assert_eq!((cut.len(), cut[0].tries), (1, 5));
        assert_eq!(after(&due, 20, 50, 0), due);
    }

    proptest! {
        #[test]
        fn gaps_are_what_a_slot_by_slot_ledger_says(
            looks in prop::collection::vec(
                (0_i64..60, 1_i64..30, prop::collection::vec(any::<bool>(), 30), 0_i64..2000), 1..12)
        ) {
            let mut ledger: BTreeMap<i64, bool> = BTreeMap::new();
            let mut there: BTreeMap<i64, bool> = BTreeMap::new();
            let mut kept: Vec<GapRow> = Vec::new();
            let mut now = at(1000);
            for (from, length, arrivals, wait) in looks {
                now += TimeDelta::hours(wait);
                let examined = Window::new(at(from), at(from + length)).unwrap();
                for (slot, arrives) in slots(examined).zip(&arrivals) {
                    *there.entry(slot).or_default() |= arrives;
                }
                let present: Vec<bool> = slots(examined).map(|slot| there[&slot]).collect();
                let missing = grid().missing(examined, &islands(&present, from));
                for slot in slots(examined) {
                    if !there[&slot] {
                        ledger.insert(slot, true);
                    } else if let Some(open) = ledger.get_mut(&slot) {
                        *open = false;
                    }
                }
                let near: Vec<GapRow> = kept.iter()
                    .filter(|gap| gap.start_at <= examined.to() && gap.end_at >= examined.from()).cloned().collect();
                let changes = reconcile(&near, &missing, &look(examined, now));
                kept.retain(|gap| !changes.gone.contains(&gap.start_at));
                kept.extend(changes.put);
                kept.sort_by_key(|gap| gap.start_at);
            }
            let mut told = BTreeMap::new();
            for gap in &kept {
                for slot in slots(span(gap).unwrap()) {
                    prop_assert!(told.insert(slot, gap.state != "filled").is_none(), "no overlap");
                }
            }
            prop_assert_eq!(told, ledger);
            prop_assert!(kept.windows(2).all(|two| two[0].end_at < two[1].start_at || two[0].state != two[1].state), "maximal: {:?}", kept);
        }
    }
}
