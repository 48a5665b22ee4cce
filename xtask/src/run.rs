//! `serve` and `dev`: the built worker on workerd, alone or with the providers it talks to.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};

use crate::build::{self, Freshness};
use crate::paths::Paths;
use crate::process::{Services, run};
use crate::{dev_vars, report, setup};

/// What a folder of temporary state is called; the process's id follows.
const THROWN_AWAY: &str = "voxanne-state-";

/// What answers in place of the vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Providers {
    Scripted,
    Speech,
}

impl Providers {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Scripted => "scripted",
            Self::Speech => "speech",
        }
    }
}

impl FromStr for Providers {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "scripted" => Ok(Self::Scripted),
            "speech" => Ok(Self::Speech),
            _ => bail!("--providers is speech or scripted"),
        }
    }
}

/// A vendor that local providers can stand in for: the names of its key and of its address.
struct Vendor {
    key: &'static str,
    base_url: &'static str,
}

const VENDORS: [Vendor; 2] = [
    Vendor {
        key: "DEEPGRAM_API_KEY",
        base_url: "DEEPGRAM_BASE_URL",
    },
    Vendor {
        key: "GROQ_API_KEY",
        base_url: "GROQ_BASE_URL",
    },
];

/// `cargo xtask serve`: the worker and nothing else, until told to stop.
pub(crate) fn serve(paths: &Paths, port: u16, state: Option<PathBuf>) -> Result<()> {
    build::product(paths, Freshness::Changed)?;
    let state = match state {
        Some(folder) => StateFolder::kept(&folder)?,
        None => StateFolder::thrown_away()?,
    };
    let mut services = Services::new()?;
    let Some(address) = services.start("the worker", &mut worker(paths, port, &state)?)? else {
        return Ok(());
    };
    report::answer(&format!("listening on {address}"));
    services.wait()
}

/// `cargo xtask dev`: a conversation that works, with whatever keys there are.
pub(crate) fn dev(paths: &Paths, port: u16, providers: Option<Providers>) -> Result<()> {
    let mut settings = dev_vars::read(&paths.root.join(".dev.vars"))?;
    // What was said on the command line stands above what a file says.
    settings.retain(|name, _| env::var_os(name).is_none());
    let local: Vec<&Vendor> = VENDORS
        .iter()
        .filter(|vendor| providers.is_some() || !is_set(vendor, &settings))
        .collect();
    let providers = providers.unwrap_or(Providers::Speech);

    if !local.is_empty() && providers == Providers::Speech {
        let _lock = paths.lock()?;
        setup::speech(paths)?;
    }
    build::product(paths, Freshness::Changed)?;

    let mut services = Services::new()?;
    if !local.is_empty() {
        let mut command = Command::new(local_providers(paths)?);
        command
            .args(["--port", "0", "--mode", providers.as_str(), "--engines"])
            .arg(paths.engines())
            .arg("--parent-stdin");
        let Some(address) = services.start("the local providers", &mut command)? else {
            return Ok(());
        };
        for vendor in local {
            settings.insert(vendor.key.to_owned(), "local".to_owned());
            settings.insert(vendor.base_url.to_owned(), address.clone());
        }
        report::note(&format!(
            "local providers ({}) on {address}",
            providers.as_str()
        ));
    }

    let state = StateFolder::kept(&paths.root.join(".wrangler").join("state").join("v3"))?;
    let mut command = worker(paths, port, &state)?;
    command.envs(settings);
    let Some(address) = services.start("the worker", &mut command)? else {
        return Ok(());
    };
    report::answer(&format!("Voxanne is on {address}"));
    services.wait()
}

/// Compiles the local providers and says where the program is.
pub(crate) fn local_providers(paths: &Paths) -> Result<PathBuf> {
    run(paths
        .cargo()
        .args(["build", "--quiet", "--package", "local-providers"]))?;
    Ok(paths.target.join("debug").join("local-providers"))
}

/// Whether a vendor was chosen by the developer, in the file or in the environment.
fn is_set(vendor: &Vendor, settings: &BTreeMap<String, String>) -> bool {
    [vendor.key, vendor.base_url]
        .into_iter()
        .any(|name| settings.contains_key(name) || env::var_os(name).is_some())
}

fn worker(paths: &Paths, port: u16, state: &StateFolder) -> Result<Command> {
    let mut command = paths.command(setup::node(paths)?);
    command
        .arg(paths.root.join("xtask/runtime/serve.mjs"))
        .arg(build::description_path(paths))
        .args(["--port", &port.to_string(), "--state"])
        .arg(&state.path)
        // Loading miniflare is most of the start.
        .env("NODE_COMPILE_CACHE", paths.scratch().join("node"));
    Ok(command)
}

/// Where D1 and the objects keep their data.
struct StateFolder {
    path: PathBuf,
    thrown_away: bool,
}

impl StateFolder {
    fn kept(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self {
            path: path.canonicalize()?,
            thrown_away: false,
        })
    }

    /// In memory where there is such a place: nothing needs to survive, and a disk's sync would be part of every
    /// object's answer.
    fn thrown_away() -> Result<Self> {
        let name = format!("{THROWN_AWAY}{}", std::process::id());
        let path = [PathBuf::from("/dev/shm"), env::temp_dir()]
            .iter()
            .inspect(|parent| sweep(parent))
            .map(|parent| parent.join(&name))
            .find(|path| fs::create_dir_all(path).is_ok())
            .context("no place for temporary files")?;
        Ok(Self {
            path,
            thrown_away: true,
        })
    }
}

/// Removes what processes that were killed left behind, where the system says which processes live.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(THROWN_AWAY))
            .filter(|owner| owner.parse::<u32>().is_ok());
        if let Some(owner) = owner
            && Path::new("/proc/self").exists()
            && !Path::new("/proc").join(owner).exists()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for StateFolder {
    fn drop(&mut self) {
        if self.thrown_away {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
