//! Where a setting's value is looked for, and how its place is told.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Display,
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
};

use super::places::Places;
use toml::de::{DeTable, DeValue};

/// A setting that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ConfigError {
    pub(super) place: String,
    pub(super) problem: String,
}

impl ConfigError {
    /// The exit status of a program that was set up wrongly (`EX_CONFIG`).
    pub const EXIT_STATUS: u8 = 78;
}

/// The settings that have a flag. Each is also a variable, `TRUEPRICE_` and its name, and a line of
/// the file.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(
    next_help_heading = "Settings (--data-dir is TRUEPRICE_DATA_DIR in the environment, data_dir in the file)"
)]
pub struct Flags {
    /// A file of settings (TOML)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address of the web server; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    /// A proxy in front speaks TLS with the clients
    #[arg(long, global = true)]
    behind_tls_proxy: bool,
    /// Where the embedded parts keep their files [default: ./data]
    #[arg(long, global = true, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// The clock that curve file names are written in [default: UTC]
    #[arg(long, global = true, value_name = "ZONE")]
    curve_timezone: Option<String>,
    /// What is logged, such as info,trueprice=debug [default: info]
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// text or json [default: text]
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl Flags {
    fn values(&self) -> BTreeMap<&'static str, String> {
        let flag = |name, value: &Option<String>| value.clone().map(|value| (name, value));
        [
            flag("listen", &self.listen),
            self.behind_tls_proxy.then(|| ("behind_tls_proxy", "true".to_owned())),
            flag("data_dir", &self.data_dir),
            flag("curve_timezone", &self.curve_timezone),
            flag("log", &self.log),
            flag("log_format", &self.log_format),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The flags, the environment and the file. The default is none of them.
#[derive(Debug, Default)]
pub struct Sources {
    flags: BTreeMap<&'static str, String>,
    environment: BTreeMap<String, String>,
    file: File,
    asked: BTreeSet<String>,
}

/// A file of settings, taken apart.
#[derive(Debug, Default)]
struct File {
    path: PathBuf,
    /// Value and line by the setting's name.
    values: BTreeMap<String, (String, usize)>,
}

impl Sources {
    /// The given flags, the variables of this process, and the file that one of them names.
    pub fn of_process(flags: &Flags) -> Result<Self, ConfigError> {
        let environment: BTreeMap<String, String> = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with("TRUEPRICE_") || name == "DATABASE_URL")
            .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
            .collect();
        let named = environment.get("TRUEPRICE_CONFIG").filter(|path| !path.is_empty());
        let file = match flags.config.clone().or(named.map(PathBuf::from)) {
            Some(path) => File::read(&path)?,
            None => File::default(),
        };
        Ok(Self { flags: flags.values(), environment, file, asked: BTreeSet::new() })
    }

    /// The value of a setting; a variable that is empty counts as not set.
    pub fn value<T>(&mut self, name: &str) -> Result<Option<T>, ConfigError>
    where
        T: FromStr<Err: Display>,
    {
        self.asked.insert(name.to_owned());
        let Some(text) = self.text(name) else { return Ok(None) };
        let read = text.parse().map(Some);
        read.map_err(|error| self.error(name, format!("{text:?} is not understood; {error}")))
    }

    /// A number within bounds.
    pub fn number<T>(
        &mut self,
        name: &str,
        bounds: RangeInclusive<T>,
        default: T,
    ) -> Result<T, ConfigError>
    where
        T: FromStr<Err: Display> + PartialOrd + Display,
    {
        match self.value(name)? {
            None => Ok(default),
            Some(number) if bounds.contains(&number) => Ok(number),
            Some(number) => Err(self.error(
                name,
                format!("{number} is not from {} to {}", bounds.start(), bounds.end()),
            )),
        }
    }

    /// Says what is wrong with a setting, and where its value stands.
    pub fn error(&self, name: &str, problem: impl Display) -> ConfigError {
        ConfigError { place: self.place(name), problem: problem.to_string() }
    }

    /// The families and units that the file gives bands for.
    pub(super) fn bands(&self) -> BTreeSet<(String, String)> {
        let names = self.file.values.keys();
        let band = |name: &String| {
            let (family, rest) = name.strip_prefix("bands.")?.split_once('.')?;
            let (unit, _) = rest.rsplit_once('.')?;
            Some((family.to_owned(), unit.to_owned()))
        };
        names.filter_map(band).collect()
    }

    /// Refuses a line of the file and a variable that no setting was read from; tells where the
    /// others stand.
    pub(super) fn finish(self) -> Result<Places, ConfigError> {
        let unknown = self.file.values.keys().find(|name| !self.asked.contains(*name));
        if let Some(name) = unknown {
            return Err(self.error(name, no_such_setting(name, self.asked.iter().cloned())));
        }
        let variables = || self.asked.iter().map(|name| variable(name));
        let set = self.environment.iter().filter(|(_, text)| !text.is_empty());
        let mut unknown = set.map(|(name, _)| name).filter(|name| !is_of_others(name));
        if let Some(name) = unknown.find(|name| !variables().any(|known| known == **name)) {
            let place = format!("environment variable {name}");
            return Err(ConfigError { place, problem: no_such_setting(name, variables()) });
        }
        Ok(Places::of(|name| self.place(name)))
    }

    fn text(&self, name: &str) -> Option<String> {
        let variable = self.environment.get(&variable(name)).filter(|text| !text.is_empty());
        let line = self.file.values.get(name).map(|(text, _)| text);
        self.flags.get(name).or(variable).or(line).cloned()
    }

    fn place(&self, name: &str) -> String {
        let variable = variable(name);
        if self.flags.contains_key(name) {
            format!("flag --{}", name.replace('_', "-"))
        } else if self.environment.get(&variable).is_some_and(|text| !text.is_empty()) {
            format!("environment variable {variable}")
        } else if let Some((_, line)) = self.file.values.get(name) {
            format!("{}, line {line}, {name}", self.file.path.display())
        } else {
            format!("setting {name}")
        }
    }
}

/// Variables with our prefix that are no settings of the server, but of its tests.
fn is_of_others(variable: &str) -> bool {
    variable == "TRUEPRICE_CONFIG" || variable.starts_with("TRUEPRICE_TEST_")
}

fn no_such_setting(name: &str, known: impl Iterator<Item = String>) -> String {
    let nearest = known
        .map(|known| (strsim::damerau_levenshtein(name, &known), known))
        .min()
        .filter(|(distance, _)| *distance <= name.len() / 2);
    let hint = nearest.map_or(String::new(), |(_, near)| format!("; did you mean {near}?"));
    format!("there is no such setting{hint}")
}

/// The name of a setting in the environment.
fn variable(name: &str) -> String {
    match name {
        "database_url" => "DATABASE_URL".to_owned(),
        _ => format!("TRUEPRICE_{}", name.replace('.', "_").to_uppercase()),
    }
}

impl File {
    fn read(path: &Path) -> Result<Self, ConfigError> {
        let wrong = |line: Option<usize>, problem: String| {
            let line = line.map_or(String::new(), |line| format!(", line {line}"));
            ConfigError { place: format!("{}{line}", path.display()), problem }
        };
        let text = fs::read_to_string(path)
            .map_err(|error| wrong(None, format!("cannot be read: {error}")))?;
        let table = DeTable::parse(&text).map_err(|error| {
            let line = error.span().map(|span| line_of(&text, span.start));
            wrong(line, error.message().to_owned())
        })?;
        let mut file = Self { path: path.to_owned(), values: BTreeMap::new() };
        file.take(&text, "", table.get_ref());
        Ok(file)
    }

    fn take(&mut self, text: &str, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) => self.take(text, &format!("{name}."), inner),
                value => {
                    let line = line_of(text, key.span().start);
                    self.values.insert(name, (value_text(value), line));
                }
            }
        }
    }
}

fn value_text(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(instant) => instant.to_string(),
        DeValue::Array(items) => {
            items.iter().map(|item| value_text(item.get_ref())).collect::<Vec<_>>().join(",")
        }
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
impl Sources {
    pub(super) fn for_tests(
        flags: &Flags,
        environment: &[(&str, &str)],
        file: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            flags: flags.values(),
            environment: environment.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect(),
            file: file.map_or(Ok(File::default()), File::read)?,
            asked: BTreeSet::new(),
        })
    }

    /// The settings that were asked for.
    pub(super) fn asked(&self) -> impl Iterator<Item = &str> {
        self.asked.iter().map(String::as_str)
    }
}
