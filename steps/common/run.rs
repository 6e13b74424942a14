//! [`RunFolder`]: where a program's results go, without losing those of an earlier run.

use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use tsukuru::files::{expect_regular_or_none, remove_parts};

/// A folder `OUT/STEP/PROGRAM/` that this process alone writes to.
pub struct RunFolder {
    path: PathBuf,
    /// Where an earlier run is now.
    moved: Option<PathBuf>,
    /// Whether this run goes on with an earlier one.
    resumed: bool,
    /// Locked as long as the run lasts; the system unlocks it when the process ends, in whatever way.
    _lock: File,
}

impl RunFolder {
    /// Makes the folder. If an earlier run left one, it is moved to `PROGRAM.1`, `.2`, ..., unless `resume` goes on in it.
    /// Half-written files of a run that was killed are removed.
    ///
    /// # Errors
    /// If another process is at work there, or the folder cannot be made.
    pub fn open(out: &Path, step: &str, program: &str, resume: bool) -> Result<RunFolder> {
        let above = out.join(step);
        let path = above.join(program);
        let checkpoint = path.join("checkpoint.safetensors");
        ensure!(!resume || checkpoint.exists(), "--resume: expected {}, found none", checkpoint.display());
        fs::create_dir_all(&above).with_context(|| format!("{}: cannot make this folder", above.display()))?;
        // The lock is beside the folder, which may be moved.
        let lock_path = above.join(format!(".{program}.lock"));
        let lock = expect_regular_or_none(&lock_path).and_then(|()| File::create(&lock_path));
        let lock = lock.with_context(|| format!("{}: cannot be written", lock_path.display()))?;
        match lock.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => bail!("{}: another run is at work in this folder", path.display()),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("{}: cannot be locked", lock_path.display()));
            }
        }
        remove_parts(&path).with_context(|| format!("{}: cannot remove what a killed run has left", path.display()))?;
        let moved = (!resume && path.exists()).then(|| free_path(&path));
        if let Some(moved) = &moved {
            fs::rename(&path, moved).with_context(|| format!("{}: cannot be moved away", path.display()))?;
            println!("An earlier run is now in {}", moved.display());
        }
        fs::create_dir_all(&path).with_context(|| format!("{}: cannot make this folder", path.display()))?;
        Ok(RunFolder { path, moved, resumed: resume, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the earlier run is now that was in the folder, if there was one.
    pub fn moved(&self) -> Option<&Path> {
        self.moved.as_deref()
    }

    /// Whether this run goes on with the earlier one.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// The path of a file in the folder; folders between are made.
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        let parent = path.parent().expect("a file lies in a folder");
        fs::create_dir_all(parent).with_context(|| format!("{}: cannot make this folder", parent.display()))?;
        Ok(path)
    }
}

/// `PATH.1`, or `.2`, ..: the first that is not there.
pub fn free_path(path: &Path) -> PathBuf {
    let numbered = |i: u32| path.with_file_name(format!("{}.{i}", path.file_name().expect("a name").display()));
    (1..).map(numbered).find(|path| !path.exists()).expect("some number is free")
}
