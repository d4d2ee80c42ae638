//! What the editor's form sends: the whole draft, with the fields of the one grant that is open.

use uuid::Uuid;

use crate::{
    domain::grant::{GrantFields, GrantLabel},
    error::{Problem, Result},
    web::{
        pages::form::filled,
        parameters::{FromParameters, Parameters},
    },
};

/// What the button that sent the form is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Offer what goes with what is chosen now.
    Refresh,
    /// Open another grant.
    Open(usize),
    /// Take a grant away.
    Remove(usize),
    /// Add an empty grant and open it.
    Add,
    /// Show what the draft would show.
    Preview,
    /// Store it.
    Save,
}

/// A package being edited. It is kept by its form alone.
#[derive(Debug, Clone, Default)]
pub(super) struct EditForm {
    /// The package; none for a new one.
    pub package: Option<Uuid>,
    /// The revision that the edit began with.
    pub revision: i32,
    /// Who receives a new package.
    pub user: Option<Uuid>,
    pub name: String,
    pub note: String,
    /// Never empty: at least one is open.
    pub grants: Vec<GrantFields>,
    /// Which of them is open.
    pub open: usize,
}

impl EditForm {
    /// A draft of one grant that is still empty.
    pub fn empty() -> Self {
        Self { grants: vec![GrantFields::default()], ..Self::default() }
    }

    /// The grant that is open.
    pub fn grant(&self) -> GrantFields {
        self.grants.get(self.open).cloned().unwrap_or_default()
    }

    /// The grants in which something is chosen; of a package that is new, at least one.
    pub fn filled_in(&self) -> Vec<GrantFields> {
        let untouched = GrantFields::default();
        let filled = self.grants.iter().filter(|grant| **grant != untouched);
        let filled: Vec<GrantFields> = filled.cloned().collect();
        if filled.is_empty() && self.package.is_none() { self.grants.clone() } else { filled }
    }

    /// The grants as the form carries them.
    pub fn carried(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.grants)
    }

    /// Does what can be done to a draft alone.
    pub fn apply(&mut self, wish: Wish) {
        match wish {
            Wish::Add => {
                self.grants.push(GrantFields::default());
                self.open = self.grants.len() - 1;
            }
            Wish::Open(place) if place < self.grants.len() => self.open = place,
            Wish::Remove(place) if place < self.grants.len() => {
                self.grants.remove(place);
                if self.grants.is_empty() {
                    self.grants.push(GrantFields::default());
                }
                self.open = self.open.min(self.grants.len() - 1);
            }
            _ => {}
        }
    }
}

/// The form as it was sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub form: EditForm,
    pub wish: Wish,
}

impl FromParameters for Sent {
    const NAMES: &'static [&'static str] = &[
        "package",
        "revision",
        "user",
        "name",
        "note",
        "grants",
        "open",
        "do",
        "curves",
        "isos",
        "control_areas",
        "states",
        "load_zones",
        "capacity_zones",
        "utilities",
        "block_types",
        "cost_groups",
        "cost_components",
        "sub_components",
        "other_label",
        "other_value",
        "months",
        "first_month",
        "last_month",
        "rolling_months",
        "rolling_from",
        "cob_only",
        "delay_days",
        "history_days",
        "current_only",
        "derived",
    ];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let carried = p.text("grants")?.unwrap_or_else(|| "[]".to_owned());
        let mut grants: Vec<GrantFields> = serde_json::from_str(&carried)
            .map_err(|error| Problem::bad_parameter("grants", &carried, error))?;
        let open: usize = p.value("open")?.unwrap_or_default();
        let sent = open_grant(p)?;
        match grants.get_mut(open) {
            Some(grant) => *grant = sent,
            None => grants.push(sent),
        }
        let form = EditForm {
            package: filled(p, "package")?,
            revision: filled(p, "revision")?.unwrap_or_default(),
            user: filled(p, "user")?,
            name: p.text("name")?.unwrap_or_default(),
            note: p.text("note")?.unwrap_or_default(),
            open: open.min(grants.len() - 1),
            grants,
        };
        Ok(Self { form, wish: wish(&p.text("do")?.unwrap_or_default())? })
    }
}

fn wish(word: &str) -> Result<Wish> {
    let numbered = |word: &str| {
        let (what, place) = word.split_once('-')?;
        let place = place.parse().ok()?;
        match what {
            "open" => Some(Wish::Open(place)),
            "remove" => Some(Wish::Remove(place)),
            _ => None,
        }
    };
    match word {
        "" | "refresh" => Ok(Wish::Refresh),
        "add" => Ok(Wish::Add),
        "preview" => Ok(Wish::Preview),
        "save" => Ok(Wish::Save),
        other => numbered(other)
            .ok_or_else(|| Problem::bad_parameter("do", other, "no button of the form sends it")),
    }
}

/// The fields of the grant that is open. Those of a month policy that is not chosen are left aside.
fn open_grant(p: &mut Parameters) -> Result<GrantFields> {
    let set = |values: Vec<String>| (!values.is_empty()).then_some(values);
    let mut grant = GrantFields {
        curves: p.texts("curves"),
        isos: set(p.texts("isos")),
        months: p.text("months")?.unwrap_or_else(|| "unlimited".to_owned()),
        cob_only: p.text("cob_only")?.is_some(),
        delay_days: filled(p, "delay_days")?,
        history_days: filled(p, "history_days")?,
        current_only: p.text("current_only")?.is_some(),
        derived: p.text("derived")?.is_some(),
        ..GrantFields::default()
    };
    let other: Option<GrantLabel> = filled(p, "other_label")?;
    let value: Option<String> = filled(p, "other_value")?;
    for &label in GrantLabel::ALL {
        let mut values = p.texts(label.as_str());
        values.extend(value.clone().filter(|_| other == Some(label)));
        *grant.label_mut(label) = set(values);
    }
    let (first, last) = (filled(p, "first_month")?, filled(p, "last_month")?);
    let (count, from) = (filled(p, "rolling_months")?, filled(p, "rolling_from")?);
    match grant.months.as_str() {
        "fixed" => (grant.first_month, grant.last_month) = (first, last),
        "rolling" => (grant.rolling_months, grant.rolling_from) = (count, from),
        _ => {}
    }
    Ok(grant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(query: &str) -> Sent {
        let mut parameters = Parameters::parse(Some(query), Sent::NAMES).unwrap();
        Sent::from_parameters(&mut parameters).unwrap()
    }

    #[test]
    fn the_form_carries_every_grant_and_changes_the_open_one() {
        let carried = r#"[{"curves":["energy"]},{"curves":["rec"]}]"#;
        let query = format!(
            "name=A&grants={carried}&open=1&curves=ptc&load_zones=B&other_label=load_zones&\
             other_value=+C+&months=rolling&rolling_months=3&rolling_from=prompt&first_month=2031-01&do=add"
        );
        let Sent { mut form, wish } = sent(&query);
        assert_eq!((form.grants.len(), form.open, wish), (2, 1, Wish::Add));
        let open = form.grant();
        assert_eq!(open.curves, ["ptc"]);
        assert_eq!(open.load_zones.unwrap(), ["B", "C"]);
        assert_eq!((open.rolling_months, open.first_month), (Some(3), None));
        form.apply(wish);
        assert_eq!((form.grants.len(), form.open), (3, 2));
        form.apply(Wish::Remove(0));
        assert_eq!((form.grants[0].curves[0].as_str(), form.open), ("ptc", 1));
        form.apply(Wish::Open(7));
        assert_eq!(form.open, 1);
    }

    #[test]
    fn a_draft_always_has_a_grant_to_edit() {
        let mut form = sent("do=remove-0").form;
        form.apply(Wish::Remove(0));
        assert_eq!(form.grants, [GrantFields::default()]);
        assert_eq!(form.filled_in().len(), 1, "a new package says what it lacks");
        form.package = Some(Uuid::nil());
        assert_eq!(form.filled_in(), []);
    }
}
