//! Stored series by the names that they print under.

use crate::{
    db::{data::SeriesHeader, sight::Admitted},
    domain::{
        Dataset, Family, Peak, Role, canonical_unit, peak_of, registered_component, unit_at_end,
        without_peak_words, without_unit,
    },
    extractors::words::Block,
};

/// The unit of series whose text names none that is known: their names are left alone.
const UNKNOWN: &str = "unknown";

const BLOCK_TYPE: usize = 5;
const COST_COMPONENT: usize = 7;

/// A stored series with its printed names.
#[derive(Debug, Clone)]
pub struct Named {
    /// Row of `series`.
    pub id: i64,
    /// The eight labels, printed.
    pub labels: [String; 8],
    /// The caption, cleaned like the component.
    pub sub_component: String,
    /// The unit in canonical form.
    pub uom: String,
    /// The block, `on-peak` and `off-peak` of a peak series included.
    pub block: Option<Block>,
    /// What the component is for.
    pub role: Role,
    /// Its name holds on-peak and off-peak words, so that it is no peak series.
    pub ambiguous_peak: bool,
    /// The unit that the registry has where the name says another.
    pub other_unit: Option<&'static str>,
    /// The grants that show it.
    pub admitted: Admitted,
    /// The grants that show what is derived from it.
    pub derived: Admitted,
}

impl Named {
    /// Names a stored series of energy or nonenergy.
    #[must_use]
    pub fn new(dataset: Dataset, header: &SeriesHeader) -> Self {
        let key = &header.key;
        let mut labels = key.labels.as_array().map(str::to_owned);
        labels[BLOCK_TYPE].make_ascii_lowercase();
        let mut named = Self {
            id: header.id,
            block: labels[BLOCK_TYPE].parse().ok(),
            labels,
            sub_component: key.sub_component.clone(),
            uom: canonical_unit(&key.unit).to_owned(),
            role: Role::Charge,
            ambiguous_peak: false,
            other_unit: None,
            admitted: header.admitted.clone(),
            derived: header.derived.clone(),
        };
        if dataset.family == Family::NonEnergy && named.uom != UNKNOWN {
            named.look_up(dataset);
            named.clean();
        }
        named
    }

    /// Takes role and unit from the registry.
    fn look_up(&mut self, dataset: Dataset) {
        let component = &self.labels[COST_COMPONENT];
        let Some(entry) = registered_component(dataset.iso, component) else { return };
        self.role = entry.role;
        let texts = [&self.sub_component, component];
        let named = texts.into_iter().find_map(|text| unit_at_end(text)).map(|(_, unit)| unit);
        self.other_unit = named.filter(|unit| *unit != entry.unit).map(|_| entry.unit);
    }

    /// Cuts unit text, then the peak words of a 7x24 series, whose block they name.
    fn clean(&mut self) {
        for text in [&mut self.labels[COST_COMPONENT], &mut self.sub_component] {
            *text = without_unit(text).to_owned();
        }
        let peak =
            peak_of(&self.labels[COST_COMPONENT]).filter(|_| self.block == Some(Block::S7x24));
        let block = match peak {
            Some(Peak::On) => Block::OnPeak,
            Some(Peak::Off) => Block::OffPeak,
            Some(Peak::Both) => return self.ambiguous_peak = true,
            None => return,
        };
        self.block = Some(block);
        block.as_str().clone_into(&mut self.labels[BLOCK_TYPE]);
        for text in [&mut self.labels[COST_COMPONENT], &mut self.sub_component] {
            if peak_of(text) != Some(Peak::Both) {
                *text = without_peak_words(text);
            }
        }
    }

    /// The labels before the block: where a scaler applies.
    #[must_use]
    pub fn place(&self) -> &[String] {
        &self.labels[..BLOCK_TYPE]
    }

    /// The labels of a price of every hour, out of this block and others.
    #[must_use]
    pub fn labels_of_all_hours(&self) -> [String; 8] {
        let mut labels = self.labels.clone();
        Block::S7x24.as_str().clone_into(&mut labels[BLOCK_TYPE]);
        labels
    }
}

/// The block that a stored series is printed and asked for under.
#[must_use]
pub fn printed_block(dataset: Dataset, header: &SeriesHeader) -> String {
    match dataset.family {
        Family::Energy | Family::NonEnergy => {
            let [.., block, _, _] = Named::new(dataset, header).labels;
            block
        }
        _ => header.key.labels.block_type.to_ascii_lowercase(),
    }
}
