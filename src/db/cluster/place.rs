//! Where the cluster lies, and as whom it runs.

use std::{
    fs,
    os::unix::{
        fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown, symlink},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{ClusterError, at};

/// Where the cluster goes when root starts the server on a folder that no other user can enter,
/// such as one under /root. A link in the data directory leads there.
const ELSEWHERE: &str = "/var/lib/trueprice";

/// The user that root runs PostgreSQL as where nothing says otherwise: nobody.
const NOBODY: (u32, u32) = (65534, 65534);

/// The folder that holds the cluster, and the user that owns it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    base: PathBuf,
    owner: Option<(u32, u32)>,
}

/// Makes the data directory, if missing, and tells its full path.
pub(super) fn make_data_dir(path: &Path) -> Result<PathBuf, ClusterError> {
    if !path.exists() {
        fs::create_dir_all(path).map_err(at(path))?;
        // PostgreSQL may run as another user and must pass through, whatever the umask is.
        fs::set_permissions(path, fs::Permissions::from_mode(0o711)).map_err(at(path))?;
    }
    path.canonicalize().map_err(at(path))
}

impl Place {
    /// The place that belongs to a data directory. PostgreSQL refuses to run as root, so root gives
    /// it to the owner of the cluster or the data directory, else to `postgres` or `nobody`.
    pub(super) fn of(data_dir: &Path) -> Result<Self, ClusterError> {
        let here = Self { base: data_dir.to_owned(), owner: None };
        if fs::metadata("/proc/self").map_err(at(Path::new("/proc/self")))?.uid() != 0 {
            return Ok(here);
        }
        let link = data_dir.join("cluster");
        let base = fs::read_link(&link).unwrap_or_else(|_| data_dir.to_owned());
        let owner = owner_of(&base.join("postgres"))
            .or_else(|| owner_of(data_dir))
            .or_else(postgres_user)
            .unwrap_or(NOBODY);
        let place = Self { base, owner: Some(owner) };
        if place.can_enter(&place.base) {
            return Ok(place);
        }
        if place.base != data_dir || place.cluster().exists() {
            return Err(ClusterError::Failed(format!(
                "the private PostgreSQL runs as user {} and cannot enter {}; make each folder of \
                 that path passable for it (chmod o+x)",
                owner.0,
                place.base.display()
            )));
        }
        place.elsewhere(&link)
    }

    fn elsewhere(self, link: &Path) -> Result<Self, ClusterError> {
        let parent = Path::new(ELSEWHERE);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o711).create(parent).map_err(at(parent))?;
        let base = parent.join(uuid::Uuid::new_v4().simple().to_string());
        builder.create(&base).map_err(at(&base))?;
        symlink(&base, link).map_err(at(link))?;
        tracing::info!(
            "no user but root can enter {}, so the database lies in {}",
            self.base.display(),
            base.display()
        );
        Ok(Self { base, ..self })
    }

    fn can_enter(&self, folder: &Path) -> bool {
        let mut test = self.command_in(Path::new("/"), Path::new("test"), "KILL");
        test.arg("-x").arg(folder).status().is_ok_and(|status| status.success())
    }

    pub(super) fn base(&self) -> &Path {
        &self.base
    }

    /// The cluster: a finished one, for it is renamed to this.
    pub(super) fn cluster(&self) -> PathBuf {
        self.base.join("postgres")
    }

    pub(super) fn data(&self) -> PathBuf {
        self.cluster().join("data")
    }

    /// Where its socket is: the folder of its data, which nobody else can enter. `None` where the
    /// path is too long for a socket (107 bytes) or needs quoting in a list of folders.
    pub(super) fn socket_folder(&self) -> Option<PathBuf> {
        const LONGEST_NAME: usize = "/.s.PGSQL.65535".len();
        let folder = self.data();
        let text = folder.to_str()?;
        let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        (is_plain && text.len() + LONGEST_NAME <= 107).then_some(folder)
    }

    pub(super) fn password(&self) -> PathBuf {
        self.cluster().join("password")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.cluster().join("server.log")
    }

    pub(super) fn log_tail(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }

    /// The user and group that own the cluster, where that is not this process's.
    pub(super) fn owner(&self) -> Option<(u32, u32)> {
        self.owner
    }

    /// The major version that the cluster was made by.
    pub(super) fn major(&self) -> Option<u32> {
        fs::read_to_string(self.data().join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    pub(super) fn make_private_dir(&self, path: &Path) -> Result<(), ClusterError> {
        fs::DirBuilder::new().mode(0o700).create(path).map_err(at(path))?;
        match self.owner {
            Some((uid, gid)) => chown(path, Some(uid), Some(gid)).map_err(at(path)),
            None => Ok(()),
        }
    }

    /// `program`, run as the owner of the cluster, which gets the signal `at_death` when the thread
    /// that starts it ends.
    pub(super) fn command(&self, program: &Path, at_death: &str) -> Command {
        self.command_in(&self.base, program, at_death)
    }

    fn command_in(&self, folder: &Path, program: &Path, at_death: &str) -> Command {
        let mut command = Command::new("setpriv");
        if let Some((uid, gid)) = self.owner {
            command.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}"));
            command.arg("--clear-groups");
        }
        command.args(["--pdeathsig", at_death, "--"]).arg(program).current_dir(folder);
        // Ctrl-C in a terminal is for the server, which then ends what it started.
        command.stdin(Stdio::null()).process_group(0);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command
    }
}

/// The owner of a file, unless it is missing or root's.
fn owner_of(path: &Path) -> Option<(u32, u32)> {
    let metadata = fs::metadata(path).ok()?;
    (metadata.uid() != 0).then_some((metadata.uid(), metadata.gid()))
}

/// The user that the package of PostgreSQL makes.
fn postgres_user() -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let fields: Vec<&str> =
        users.lines().find(|l| l.starts_with("postgres:"))?.split(':').collect();
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

/// Runs a command to its end; its words are the error if it fails.
pub(super) fn run(command: &mut Command, name: &str) -> Result<(), ClusterError> {
    let output = command.output().map_err(|error| {
        let program = command.get_program().to_string_lossy().into_owned();
        ClusterError::Failed(format!("{name}: {program} cannot be started: {error}"))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let words = [output.stdout, output.stderr].concat();
    let words = String::from_utf8_lossy(&words).trim().to_owned();
    Err(ClusterError::Failed(format!("{name} failed ({}): {words}", output.status)))
}
