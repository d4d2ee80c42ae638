//! The thread that runs the server program, and starts it again when it dies.

use std::{
    fs::{self, File},
    io,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    ClusterError, ClusterSettings, at, opening, place::Place, place::run, programs::Programs,
};

/// A log longer than this many bytes is begun anew at the next start.
const LOG_BYTES: u64 = 16 << 20;

/// How often the thread looks whether the server program still runs.
const LOOK: Duration = Duration::from_millis(50);

/// The longest pause before the server program is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The running server program. Dropping it ends the program without waiting for it.
#[derive(Debug)]
pub(super) struct Supervisor {
    state: Arc<State>,
    // Nothing is sent: that it is dropped ends the thread.
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    /// 0 while it does not run.
    process: AtomicU32,
    exits: AtomicU32,
}

impl Supervisor {
    /// Starts the program on a thread of its own: the kernel ties the program's life to it.
    pub(super) fn start(
        place: &Place,
        programs: &Programs,
        settings: &ClusterSettings,
        port: u16,
    ) -> Result<Self, ClusterError> {
        let server = Server {
            place: place.clone(),
            programs: programs.clone(),
            settings: settings.clone(),
            port,
            state: Arc::default(),
        };
        let state = Arc::clone(&server.state);
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || server.run(&stopped))
            .map_err(|error| ClusterError::Failed(format!("no thread for PostgreSQL: {error}")))?;
        Ok(Self { state, stop, thread })
    }

    /// Process id of the program, unless it is just being started again.
    pub(super) fn process(&self) -> Option<u32> {
        Some(self.state.process.load(Ordering::Relaxed)).filter(|process| *process != 0)
    }

    /// How often the program ended without being told to.
    pub(super) fn exits(&self) -> u32 {
        self.state.exits.load(Ordering::Relaxed)
    }

    /// Ends the program and waits for that.
    pub(super) fn stop(self) {
        drop(self.stop);
        _ = self.thread.join();
    }
}

struct Server {
    place: Place,
    programs: Programs,
    settings: ClusterSettings,
    port: u16,
    state: Arc<State>,
}

impl Server {
    fn run(&self, stopped: &Receiver<()>) {
        let mut pause = LOOK;
        loop {
            match self.spawn() {
                Ok(mut child) => {
                    self.state.process.store(child.id(), Ordering::Relaxed);
                    let Some(status) = watch(&mut child, stopped) else {
                        return self.end(&mut child);
                    };
                    tracing::error!(%status, "PostgreSQL ended by itself; starting it again");
                }
                Err(error) => tracing::error!(%error, "PostgreSQL cannot be started"),
            }
            self.state.process.store(0, Ordering::Relaxed);
            self.state.exits.fetch_add(1, Ordering::Relaxed);
            if stopped.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn spawn(&self) -> io::Result<Child> {
        let path = self.place.log();
        let outgrown = fs::metadata(&path).is_ok_and(|metadata| metadata.len() > LOG_BYTES);
        let mut options = File::options();
        options.create(true).append(!outgrown).write(true).truncate(outgrown);
        let log = options.open(&path)?;
        let mut command = self.place.command(&self.programs.path("postgres"), "INT");
        command.arg("-D").arg(self.place.data()).args(["-p", &self.port.to_string()]);
        for setting in self.parameters() {
            command.args(["-c", &setting]);
        }
        command.stdout(Stdio::from(log.try_clone()?)).stderr(Stdio::from(log)).spawn()
    }

    fn parameters(&self) -> Vec<String> {
        let mut parameters = vec![
            format!(
                "unix_socket_directories={}",
                self.place.socket_folder().unwrap_or_default().display()
            ),
            "logging_collector=off".to_owned(),
            // The statements of errors may hold what users wrote.
            "log_min_error_statement=panic".to_owned(),
            "shared_buffers=256MB".to_owned(),
            "max_wal_size=2GB".to_owned(),
            "jit=off".to_owned(),
            // Room for commands that run beside the server.
            format!(
                "max_connections={}",
                self.settings.connections + 20 + opening::connections(&self.settings)
            ),
        ];
        parameters.extend(opening::parameters(&self.place, self.settings.opening.as_ref()));
        if !self.settings.durable {
            parameters.extend(["fsync=off".to_owned(), "full_page_writes=off".to_owned()]);
        }
        parameters
    }

    /// Open connections are cut, what was committed is on the disk.
    fn end(&self, child: &mut Child) {
        if let Err(error) = run(&mut pg_ctl_stop(&self.place, &self.programs, "fast"), "pg_ctl") {
            tracing::warn!(%error, "PostgreSQL does not end by itself");
            _ = child.kill();
        }
        _ = child.wait();
    }
}

/// Waits until the program ends (its status) or is to be ended (`None`).
fn watch(child: &mut Child, stopped: &Receiver<()>) -> Option<ExitStatus> {
    loop {
        if stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Disconnected) {
            return None;
        }
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
    }
}

fn pg_ctl_stop(place: &Place, programs: &Programs, mode: &str) -> Command {
    let mut command = place.command(&programs.path("pg_ctl"), "KILL");
    command.arg("stop").arg("-D").arg(place.data()).args(["-m", mode, "-w", "-t", "30"]);
    command
}

/// Ends a server program that outlived its TRUEPrice. The caller holds the lock of the data
/// directory, so nobody uses it any more.
pub(super) fn end_orphan(place: &Place, programs: &Programs) -> Result<(), ClusterError> {
    let pid_file = place.data().join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&pid_file) else { return Ok(()) };
    let process = text.lines().next().unwrap_or_default().trim();
    if !Path::new("/proc").join(process).join("cwd").exists() {
        return Ok(());
    }
    if !works_in(process, &place.data()) {
        // Anything else merely got the same number, as happens in containers, and PostgreSQL would
        // take it for the old server.
        return match fs::remove_file(&pid_file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&pid_file)(error)),
            _ => Ok(()),
        };
    }
    tracing::info!("the PostgreSQL of a server that was killed still runs; ending it first");
    let mut ended = Ok(());
    for mode in ["fast", "immediate"] {
        ended = run(&mut pg_ctl_stop(place, programs, mode), "pg_ctl");
        // It may have been about to end, its file gone already, so that nobody could be told.
        if ended.is_ok() || has_left(process, &place.data()) {
            return Ok(());
        }
    }
    ended
}

/// Whether a server program ends within two seconds.
fn has_left(process: &str, data: &Path) -> bool {
    (0..40).any(|_| {
        thread::sleep(LOOK);
        !works_in(process, data)
    })
}

/// Whether a process is a server program of this data folder, for that is where it works.
fn works_in(process: &str, data: &Path) -> bool {
    let folder = fs::read_link(Path::new("/proc").join(process).join("cwd")).ok();
    folder.is_some() && folder == data.canonicalize().ok()
}
