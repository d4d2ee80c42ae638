//! Cost components of nonenergy curves: their names, native units and roles.

use super::{Iso, unit_at_end};

/// What a component is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A charge of its own.
    Charge,
    /// A capacity price, which the scaler of the same place multiplies.
    Capacity,
    /// Multiplies capacity prices and is never listed.
    Scaler,
}

/// A component whose unit or role is not that of most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registered {
    /// Where.
    pub iso: Iso,
    /// The name without unit and peak words, as the publishers write it.
    pub name: &'static str,
    /// Native unit in canonical form; `none` for scalers.
    pub unit: &'static str,
    /// What it is for.
    pub role: Role,
}

const fn entry(iso: Iso, name: &'static str, unit: &'static str, role: Role) -> Registered {
    Registered { iso, name, unit, role }
}

/// The component registry of the curve publishers. Everything else is a charge in $/MWh.
const REGISTRY: [Registered; 18] = [
    entry(Iso::Pjm, "Capacity Charge", "$/kW-mo", Role::Capacity),
    entry(Iso::Pjm, "Reactive Supply Value", "$/kW-mo", Role::Charge),
    entry(Iso::Pjm, "TEAC", "$/kW-mo", Role::Charge),
    entry(Iso::Pjm, "NITS Rate", "$/kW-mo", Role::Charge),
    entry(Iso::Pjm, "ARR Credit", "$/kW-mo", Role::Charge),
    entry(Iso::Pjm, "Black Start Charge", "$/MW-mo", Role::Charge),
    entry(Iso::Pjm, "Annual Revenue Requirement / Network Peak Load", "$ / MW", Role::Charge),
    entry(Iso::Pjm, "Capacity Scaling Factor", "none", Role::Scaler),
    entry(Iso::Isone, "Capacity", "$/kW-mo", Role::Capacity),
    entry(Iso::Isone, "ISO Sched 3", "$/kW-mo", Role::Charge),
    entry(Iso::Isone, "Capacity Scaler", "none", Role::Scaler),
    entry(Iso::Nyiso, "ROS", "$/kW-mo", Role::Charge),
    entry(Iso::Nyiso, "LHV", "$/kW-mo", Role::Charge),
    entry(Iso::Nyiso, "NYC", "$/kW-mo", Role::Charge),
    entry(Iso::Miso, "Capacity Price", "$/kW-day", Role::Charge),
    entry(Iso::Miso, "ARRs", "$/MW-mo", Role::Charge),
    entry(Iso::Miso, "NITS Schedule 9", "$/MW-mo", Role::Charge),
    entry(Iso::Ercot, "HH", "$/MMBtu", Role::Charge),
];

/// The whole registry, by ISO.
#[must_use]
pub const fn registry() -> &'static [Registered] {
    &REGISTRY
}

/// The entry of a component; unit text and peak words in `name`, its case and its blanks do not
/// count.
#[must_use]
pub fn registered_component(iso: Iso, name: &str) -> Option<&'static Registered> {
    let name = without_unit(name);
    let name = without_peak_words(name);
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    let name = words(&name);
    REGISTRY.iter().find(|entry| entry.iso == iso && words(entry.name) == name)
}

/// A name without the `$/…` unit text at its end; as it stands where there is none, or nothing
/// else.
#[must_use]
pub fn without_unit(name: &str) -> &str {
    match unit_at_end(name) {
        Some((head, _)) if !head.is_empty() => head,
        _ => name,
    }
}

/// The two halves of a day by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peak {
    /// On-peak.
    On,
    /// Off-peak.
    Off,
    /// A name that holds words of both kinds.
    Both,
}

/// The words, in lower case.
const PEAK_WORDS: [(&str, Peak); 6] = [
    ("on-peak", Peak::On),
    ("onpeak", Peak::On),
    ("on peak", Peak::On),
    ("off-peak", Peak::Off),
    ("offpeak", Peak::Off),
    ("off peak", Peak::Off),
];

/// A peak word inside a name, by its bytes.
struct PeakWord {
    at: std::ops::Range<usize>,
    peak: Peak,
}

/// Which peak words a name holds: whole words, in any case.
#[must_use]
pub fn peak_of(name: &str) -> Option<Peak> {
    let kinds = peak_words(name).map(|word| word.peak);
    kinds.reduce(|one, other| if one == other { one } else { Peak::Both })
}

/// The name without its peak words, and without the blanks that they leave; the case of the rest
/// stays.
#[must_use]
pub fn without_peak_words(name: &str) -> String {
    let (mut kept, mut end) = (String::new(), 0);
    for PeakWord { at, .. } in peak_words(name) {
        join(&mut kept, &name[end..at.start]);
        end = at.end;
    }
    if end == 0 {
        return name.to_owned();
    }
    join(&mut kept, &name[end..]);
    kept.trim().to_owned()
}

/// Appends what stands after a cut, with one blank where the cut left two.
fn join(kept: &mut String, text: &str) {
    let doubled = kept.ends_with(char::is_whitespace);
    kept.push_str(if doubled { text.trim_start() } else { text });
}

/// The peak words of a name from left to right.
fn peak_words(name: &str) -> impl Iterator<Item = PeakWord> {
    name.char_indices().filter_map(|(start, _)| peak_word_at(name, start))
}

fn peak_word_at(name: &str, start: usize) -> Option<PeakWord> {
    let before = name[..start].chars().next_back();
    if before.is_some_and(char::is_alphanumeric) {
        return None;
    }
    PEAK_WORDS.iter().find_map(|(word, peak)| {
        let at = start..start + word.len();
        let found = name.get(at.clone())?;
        let is_whole = !name[at.end..].starts_with(char::is_alphanumeric);
        let is_word = is_whole && found.eq_ignore_ascii_case(word);
        is_word.then_some(PeakWord { at, peak: *peak })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_text_is_cut_where_it_ends_a_name() {
        for (name, cut) in [
            ("Capacity Price ($/kW-day)", "Capacity Price"),
            ("Capacity $/kW-Month", "Capacity"),
            ("Capacity ( $/MW-mo ) ", "Capacity"),
            ("Capacity_($/kw-mo)", "Capacity"),
            ("Gas($/MMBtu)", "Gas"),
            ("Total Cost per MWh", "Total Cost per MWh"),
            ("Uplift ($/furlong)", "Uplift ($/furlong)"),
            ("$/MWh Adder", "$/MWh Adder"),
            ("Adder $/MWh)", "Adder $/MWh)"),
            ("($/MWh)", "($/MWh)"),
            ("Énergie €", "Énergie €"),
        ] {
            assert_eq!(without_unit(name), cut, "{name}");
        }
    }

    #[test]
    fn peak_words_are_whole_words_of_any_case() {
        for (name, cut, peak) in [
            ("Reserve on-peak", "Reserve", Some(Peak::On)),
            ("Reserve OffPeak Charge", "Reserve Charge", Some(Peak::Off)),
            ("On Peak Reserve", "Reserve", Some(Peak::On)),
            ("Reserve (off peak)", "Reserve ()", Some(Peak::Off)),
            ("Reserve_ON-PEAK", "Reserve_", Some(Peak::On)),
            ("Transmission Peak Charge", "Transmission Peak Charge", None),
            ("Non-peakon-peak", "Non-peakon-peak", None),
            ("Carbon-peak", "Carbon-peak", None),
            ("on-peaks", "on-peaks", None),
            ("on-peak or off-peak", "or", Some(Peak::Both)),
            ("Éon-peak  x", "Éon-peak  x", None),
            ("on-peak on-peak", "", Some(Peak::On)),
        ] {
            assert_eq!(without_peak_words(name), cut, "{name}");
            assert_eq!(peak_of(name), peak, "{name}");
        }
    }

    #[test]
    fn the_registry_looks_past_units_peaks_case_and_blanks() {
        let of = |iso, name| registered_component(iso, name).map(|entry| (entry.unit, entry.role));
        assert_eq!(of(Iso::Pjm, "CAPACITY  charge ($/MW-day)"), None, "no unit we know");
        let capacity = Some(("$/kW-mo", Role::Capacity));
        assert_eq!(of(Iso::Pjm, "CAPACITY  charge ($/MW-mo)"), capacity);
        assert_eq!(of(Iso::Isone, "Capacity"), capacity);
        assert_eq!(of(Iso::Pjm, "Capacity"), None);
        assert_eq!(of(Iso::Pjm, "Reactive Supply Value on-peak").unwrap().0, "$/kW-mo");
        assert_eq!(of(Iso::Isone, "capacity scaler"), Some(("none", Role::Scaler)));
        assert_eq!(of(Iso::Ercot, "HH").unwrap().0, "$/MMBtu");
    }
}
