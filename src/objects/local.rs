//! Documents as files: `ab/cd/abcd...`, by the digits of the digest.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

use super::StoreError;
use crate::domain::Sha256;

/// The folder below the root where files are written before they get their name.
const INCOMING: &str = "incoming";

/// A file there that is older than this is nobody's.
const LEFT_OVER: Duration = Duration::from_hours(24);

/// A folder of documents.
#[derive(Debug, Clone)]
pub struct LocalStore {
    root: Arc<Path>,
}

impl LocalStore {
    /// The store in `root`, which is made if missing, for this user alone.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let incoming = root.join(INCOMING);
        make_folders(&incoming).map_err(|error| unavailable(root, &error))?;
        sweep(&incoming).map_err(|error| unavailable(&incoming, &error))?;
        Ok(Self { root: root.into() })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) async fn put(&self, sha256: Sha256, bytes: Bytes) -> Result<(), StoreError> {
        let (root, path) = (self.root.clone(), self.path(sha256));
        blocking(path, move |path| write(&root, path, &bytes)).await
    }

    pub(super) async fn get(&self, sha256: Sha256) -> Result<Bytes, StoreError> {
        let read = |path: &Path| match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let found = blocking(self.path(sha256), read).await?;
        found.map(Bytes::from).ok_or(StoreError::NotFound(sha256))
    }

    pub(super) async fn exists(&self, sha256: Sha256) -> Result<bool, StoreError> {
        blocking(self.path(sha256), Path::try_exists).await
    }

    /// Writes a byte: a folder that is there may be read-only, and a disk full.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        blocking(self.root.to_path_buf(), |root| tempfile::tempfile_in(root)?.write_all(b".")).await
    }

    fn path(&self, sha256: Sha256) -> PathBuf {
        let name = sha256.to_string();
        self.root.join(&name[..2]).join(&name[2..4]).join(&name)
    }
}

/// Writes a file that is either whole or not there, whatever happens. One that is there may have
/// been put in its place by another upload that has not come to making it durable: both do.
fn write(root: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    match File::open(path) {
        Ok(file) if file.metadata()?.len() == length => file.sync_all()?,
        _ => put_in_place(root, path, bytes)?,
    }
    // Its folder, and those above it up to the root, may be as new as the file.
    let folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
    folders.into_iter().try_for_each(|folder| File::open(folder)?.sync_all())
}

fn put_in_place(root: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(root.join(INCOMING))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    make_folders(path.parent().unwrap_or(root))?;
    file.persist(path)?;
    Ok(())
}

/// Removes what writers that were killed left, once it is older than a day by the file system's own
/// clock: another node may be writing just now.
fn sweep(incoming: &Path) -> io::Result<()> {
    let now = tempfile::tempfile_in(incoming)?.metadata()?.modified()?;
    for entry in fs::read_dir(incoming)? {
        let entry = entry?;
        let Ok(written) = entry.metadata().and_then(|metadata| metadata.modified()) else {
            continue;
        };
        if now.duration_since(written).is_ok_and(|age| age > LEFT_OVER) {
            // Another node may have been quicker.
            _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// Makes a folder and those above it; they are durable when this returns.
fn make_folders(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(Path::new(""));
    make_folders(parent)?;
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    File::open(parent)?.sync_all()
}

/// Runs a file operation where it may block.
async fn blocking<T: Send + 'static>(
    path: PathBuf,
    operation: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let task = tokio::task::spawn_blocking(move || {
        operation(&path).map_err(|error| unavailable(&path, &error))
    });
    task.await.map_err(|error| StoreError::Unavailable(error.to_string()))?
}

fn unavailable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Documents;

    #[tokio::test]
    async fn bytes_come_back_and_the_second_put_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(&folder.path().join("a/b")).unwrap();
        let documents = Documents::Local(store.clone());
        let sha256 = Sha256::of(b"curve");
        assert!(!documents.exists(sha256).await.unwrap());
        assert!(matches!(documents.get(sha256).await, Err(StoreError::NotFound(_))));
        documents.put(sha256, Bytes::from_static(b"curve")).await.unwrap();
        let written = fs::metadata(store.path(sha256)).unwrap().modified().unwrap();
        documents.put(sha256, Bytes::from_static(b"curve")).await.unwrap();
        assert_eq!(fs::metadata(store.path(sha256)).unwrap().modified().unwrap(), written);
        assert!(documents.exists(sha256).await.unwrap());
        assert_eq!(documents.get(sha256).await.unwrap(), "curve");
    }

    #[test]
    fn what_a_killed_writer_left_is_swept_after_a_day() {
        let folder = tempfile::tempdir().unwrap();
        LocalStore::open(folder.path()).unwrap();
        let left = |name, age| {
            let file = File::create(folder.path().join(INCOMING).join(name)).unwrap();
            let now = file.metadata().unwrap().modified().unwrap();
            file.set_modified(now - age).unwrap();
        };
        left("old", LEFT_OVER + Duration::from_mins(1));
        left("young", Duration::from_hours(23));
        LocalStore::open(folder.path()).unwrap();
        let names = fs::read_dir(folder.path().join(INCOMING)).unwrap();
        let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["young"]);
    }

    #[tokio::test]
    async fn damage_is_noticed_and_a_short_file_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path()).unwrap();
        let documents = Documents::Local(store.clone());
        let sha256 = Sha256::of(b"curve");
        documents.put(sha256, Bytes::from_static(b"curve")).await.unwrap();
        fs::write(store.path(sha256), b"curse").unwrap();
        assert!(matches!(documents.get(sha256).await, Err(StoreError::Damaged(_))));
        fs::write(store.path(sha256), b"cur").unwrap();
        documents.put(sha256, Bytes::from_static(b"curve")).await.unwrap();
        assert_eq!(documents.get(sha256).await.unwrap(), "curve");
    }

    #[tokio::test]
    async fn a_folder_that_is_gone_is_an_unavailable_store() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("documents");
        let documents = Documents::Local(LocalStore::open(&root).unwrap());
        fs::remove_dir_all(&root).unwrap();
        fs::write(&root, b"a file").unwrap();
        assert!(matches!(documents.check().await, Err(StoreError::Unavailable(_))));
        let put = documents.put(Sha256::of(b"x"), Bytes::from_static(b"x")).await;
        assert!(matches!(put, Err(StoreError::Unavailable(_))));
    }
}
