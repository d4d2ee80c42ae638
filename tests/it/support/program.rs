//! The real program, as a process of its own.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{ExitStatus, Output, Stdio},
    time::Duration,
};

use sqlx::PgPool;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};
use trueprice::db::{cluster::Cluster, pool};

use super::Caller;

/// Who runs the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// The user that runs the test.
    Same,
    /// Somebody without any right; only root can start programs as them.
    Nobody,
}

const NOBODY: u32 = 65534;

/// What takes longer than this does not happen any more.
const NEVER: Duration = Duration::from_mins(2);

impl User {
    /// All that the test can start programs as.
    pub fn all() -> Vec<Self> {
        let root = fs::metadata("/proc/self").unwrap().uid() == 0;
        if root { vec![Self::Same, Self::Nobody] } else { vec![Self::Same] }
    }
}

/// A folder with nothing in it, in which a user starts the program.
pub struct Home {
    folder: TempDir,
    user: User,
}

impl Home {
    /// A new folder.
    pub fn of(user: User) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // The folder of the build may be closed to others.
        fs::copy(env!("CARGO_BIN_EXE_trueprice"), folder.path().join("trueprice")).unwrap();
        if user == User::Nobody {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        Self { folder, user }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The data directory that the program makes.
    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The process id of the private PostgreSQL, as its file tells.
    pub fn postgres(&self) -> Option<u32> {
        let file = self.data().join("postgres/data/postmaster.pid");
        fs::read_to_string(file).ok()?.lines().next()?.parse().ok()
    }

    /// Connections to the private PostgreSQL of the running program.
    pub fn pool(&self) -> PgPool {
        pool::pool(Cluster::running(&self.data()).expect("a server runs"), 2)
    }

    /// The program with nothing of the test's environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path().join("trueprice"));
        command.args(arguments).current_dir(self.path()).env_clear().kill_on_drop(true);
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.path());
        command.env("TRUEPRICE_LISTEN", "127.0.0.1:0").env("TRUEPRICE_LOG", "warn");
        // No test asks a stranger.
        command.env("TRUEPRICE_FEEDS_POLL", "false");
        // Its ports are one for all tests.
        command.env("TRUEPRICE_MQTT_MODE", "off");
        if self.user == User::Nobody {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied()).stdin(Stdio::null()).output().await.unwrap()
    }

    /// Starts `serve` and waits until it is ready.
    pub async fn serve(&self) -> Program {
        Program::start(self.command(&["serve"])).await
    }
}

/// A running `trueprice serve`. It is killed with the test.
pub struct Program {
    /// Where it listens.
    pub base: String,
    child: Child,
    _output: Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// Starts a command that serves, and waits until it is ready.
    pub async fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let base = tokio::time::timeout(NEVER, listening_at(&mut output)).await;
        Self { base: base.expect("the program gets ready"), child, _output: output }
    }

    /// Asks without a credential.
    pub fn anonymous(&self) -> Caller {
        Caller::anonymous(&self.base)
    }

    /// Its process id.
    pub fn process(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Sends a signal, such as `TERM`, and waits for the end.
    pub async fn end(mut self, signal_name: &str) -> ExitStatus {
        signal(self.child.id().unwrap(), signal_name).await;
        self.child.wait().await.unwrap()
    }
}

async fn listening_at(output: &mut Lines<BufReader<ChildStdout>>) -> String {
    loop {
        let line = output.next_line().await.unwrap().expect("the program does not end");
        if let Some(base) = line.strip_prefix("listening on ") {
            return base.to_owned();
        }
    }
}

/// Sends a signal to any process.
pub async fn signal(process: u32, name: &str) {
    let kill = format!("kill -{name} {process}");
    assert!(Command::new("sh").args(["-c", &kill]).status().await.unwrap().success());
}

/// Waits until `done` says so; fails when it is clear that it never will.
pub async fn until(mut done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(NEVER, waiting).await.expect("what is waited for happens");
}
