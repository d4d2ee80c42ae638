//! Where the rows of a scope are and where they are missing, as a strip.

use chrono::{DateTime, Utc};

use crate::db::feeds::status::GapInfo;

/// Width of a strip in its own units.
const WIDTH: i64 = 1000;

/// What is narrower would not be seen.
const NARROWEST: i64 = 3;

/// A piece of a strip.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    pub x: i64,
    pub width: i64,
    /// `whole`, `partly`, `open` or `absent`.
    pub class: &'static str,
}

/// A strip of time from its start to its end.
#[derive(Debug)]
pub struct Strip {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub pieces: Vec<Piece>,
}

/// How far the rows of a scope came.
#[derive(Debug, Clone, Copy)]
pub struct Marks {
    pub high_water: Option<DateTime<Utc>>,
    pub contiguous_to: Option<DateTime<Utc>>,
}

impl Strip {
    /// Of a range: without a hole up to one mark, as far as known up to the other, and the gaps over them.
    pub fn of(
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        marks: Marks,
        gaps: &[GapInfo],
    ) -> Option<Self> {
        let length = (to - from).num_seconds();
        if length <= 0 {
            return None;
        }
        let place = |at: DateTime<Utc>| (at.clamp(from, to) - from).num_seconds() * WIDTH / length;
        let piece = |start, end, class| {
            let (x, end) = (place(start), place(end));
            Piece { x, width: end - x, class }
        };
        let whole_to = marks.contiguous_to.unwrap_or(from).max(from);
        let mut pieces = vec![
            piece(from, whole_to, "whole"),
            piece(whole_to, marks.high_water.unwrap_or(whole_to), "partly"),
        ];
        pieces.retain(|piece| piece.width > 0);
        let missing = gaps.iter().filter(|gap| gap.end_at > from && gap.start_at < to);
        pieces.extend(missing.filter_map(|gap| {
            let class = match &*gap.state {
                "open" => "open",
                "upstream_absent" => "absent",
                _ => return None,
            };
            let mut piece = piece(gap.start_at, gap.end_at, class);
            piece.width = piece.width.max(NARROWEST);
            piece.x = piece.x.min(WIDTH - piece.width);
            Some(piece)
        }));
        Some(Self { from, to, pieces })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn gap(start: i64, end: i64, state: &str) -> GapInfo {
        GapInfo {
            scope: String::new(),
            start_at: at(start),
            end_at: at(end),
            state: state.to_owned(),
            tries: 0,
            next_try: None,
            opened_at: at(0),
            closed_at: None,
        }
    }

    fn pieces(marks: (i64, i64), gaps: &[GapInfo]) -> Vec<(i64, i64, &'static str)> {
        let marks = Marks { contiguous_to: Some(at(marks.0)), high_water: Some(at(marks.1)) };
        let strip = Strip::of((at(1000), at(11_000)), marks, gaps).unwrap();
        strip.pieces.iter().map(|piece| (piece.x, piece.width, piece.class)).collect()
    }

    #[test]
    fn a_strip_shows_what_is_whole_known_and_missing() {
        let gaps = [
            gap(6000, 6001, "open"),
            gap(7000, 8000, "upstream_absent"),
            gap(2000, 3000, "filled"),
        ];
        assert_eq!(
            pieces((6000, 10_000), &gaps),
            [(0, 500, "whole"), (500, 400, "partly"), (500, 3, "open"), (600, 100, "absent")]
        );
        // Marks and gaps beyond the strip end with it.
        let gaps = [gap(0, 900, "open"), gap(10_999, 20_000, "open")];
        assert_eq!(pieces((0, 20_000), &gaps), [(0, 1000, "partly"), (997, 3, "open")]);
        let nothing = Marks { contiguous_to: None, high_water: None };
        assert_eq!(Strip::of((at(0), at(9)), nothing, &[]).unwrap().pieces, []);
        assert!(Strip::of((at(9), at(9)), nothing, &[]).is_none());
    }
}
