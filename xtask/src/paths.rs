//! Where things are: this workspace, what is built in it, and the cache that all workspaces of a user share.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

#[derive(Debug)]
pub(crate) struct Paths {
    /// The workspace.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
    /// Tools and engines: large, the same for every workspace, safe to delete.
    pub(crate) cache: PathBuf,
}

impl Paths {
    pub(crate) fn of_this_workspace() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask is a folder of the workspace")?
            .to_path_buf();
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |folder| root.join(folder));
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
            .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
            .context("neither XDG_CACHE_HOME nor a home folder is known")?
            .join("voxanne");
        Ok(Self {
            root,
            target,
            cache,
        })
    }

    /// Our own notes among cargo's: stamps and half-built folders.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// The static files that the worker serves.
    pub(crate) fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// Where the speech engines are.
    pub(crate) fn engines(&self) -> PathBuf {
        self.cache.join("engines")
    }

    /// A program that came with an npm package.
    pub(crate) fn node_tool(&self, name: &str) -> PathBuf {
        self.root.join("node_modules").join(".bin").join(name)
    }

    /// A program of a tool that cargo installed for us.
    pub(crate) fn cargo_tool(&self, package: &str, version: &str, program: &str) -> PathBuf {
        self.cache
            .join("tools")
            .join(format!("{package}-{version}"))
            .join("bin")
            .join(program)
    }

    /// A command in the workspace that finds the npm packages' programs, and among them the right node, first.
    pub(crate) fn command(&self, program: impl Into<OsString>) -> Command {
        let own = self.root.join("node_modules").join(".bin");
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let path =
            std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&inherited)))
                .unwrap_or(inherited);
        let mut command = Command::new(program.into());
        command.current_dir(&self.root).env("PATH", path);
        command
    }

    /// The cargo that runs this program.
    pub(crate) fn cargo(&self) -> Command {
        self.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// Waits until no other xtask of this user sets up tools and engines, which all clones share. Held until dropped.
    pub(crate) fn lock_tools(&self) -> Result<File> {
        lock(&self.cache, "set up the tools")
    }

    /// Waits until no other xtask builds in this clone. Held until dropped.
    pub(crate) fn lock_build(&self) -> Result<File> {
        lock(&self.scratch(), "build")
    }
}

fn lock(folder: &Path, what: &str) -> Result<File> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = File::create(folder.join("lock"))?;
    if file.try_lock().is_err() {
        crate::report::note(&format!("waiting for another cargo xtask to {what}"));
        file.lock()?;
    }
    Ok(file)
}
