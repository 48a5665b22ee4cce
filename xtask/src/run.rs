//! `serve` and `dev`: the built worker on workerd, alone or with the providers it talks to.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::build::{self, Freshness};
use crate::paths::Paths;
use crate::process::{Services, run};
use crate::running::{Line, Running};
use crate::{dev_vars, report, setup, sign_in};

/// What a folder of temporary state is called; the process's id follows.
const THROWN_AWAY: &str = "voxanne-state-";

/// What answers in place of the vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
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

/// A vendor that local providers can stand in for.
struct Vendor {
    /// The settings that open its door, and what a local one takes for each.
    keys: &'static [(&'static str, &'static str)],
    /// The setting that says where it is.
    base_url: &'static str,
    /// Whether it hears, thinks or speaks: only then does it need an engine.
    has_engine: bool,
}

const VENDORS: [Vendor; 3] = [
    Vendor {
        keys: &[("DEEPGRAM_API_KEY", "local")],
        base_url: "DEEPGRAM_BASE_URL",
        has_engine: true,
    },
    Vendor {
        keys: &[("GROQ_API_KEY", "local")],
        base_url: "GROQ_BASE_URL",
        has_engine: true,
    },
    Vendor {
        keys: &[
            (ACCOUNT_SID, "AC00000000000000000000000000000000"),
            (AUTH_TOKEN, "local"),
        ],
        base_url: TELEPHONE_BASE_URL,
        has_engine: false,
    },
];

const SETUP_CODE: &str = "SETUP_CODE";
const ACCOUNT_SID: &str = "TWILIO_ACCOUNT_SID";
const AUTH_TOKEN: &str = "TWILIO_AUTH_TOKEN";
const TELEPHONE_BASE_URL: &str = "TWILIO_BASE_URL";

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
    let needs_engines = local.iter().any(|vendor| vendor.has_engine);
    let mode = match providers {
        Some(asked_for) => asked_for,
        None if needs_engines => Providers::Speech,
        // Only the telephone is local, and it needs no voice.
        None => Providers::Scripted,
    };

    if needs_engines && mode == Providers::Speech {
        let _lock = paths.lock_tools()?;
        setup::speech(paths)?;
    }
    build::product(paths, Freshness::Changed)?;

    let mut services = Services::new()?;
    let mut telephone = None;
    if !local.is_empty() {
        let mut command = Command::new(local_providers(paths)?);
        command
            .args(["--port", "0", "--mode", mode.as_str(), "--engines"])
            .arg(paths.engines())
            .arg("--parent-stdin");
        let Some(address) = services.start("the local providers", &mut command)? else {
            return Ok(());
        };
        for vendor in &local {
            for (name, value) in vendor.keys {
                settings.insert((*name).to_owned(), (*value).to_owned());
            }
            settings.insert(vendor.base_url.to_owned(), address.clone());
        }
        if local
            .iter()
            .any(|vendor| vendor.base_url == TELEPHONE_BASE_URL)
        {
            // The local company calls the worker where it is, and signs that address.
            settings.insert("PUBLIC_ORIGIN".to_owned(), String::new());
            telephone = Some(Line {
                providers: address.clone(),
                account_sid: settings.get(ACCOUNT_SID).cloned().unwrap_or_default(),
                auth_token: settings.get(AUTH_TOKEN).cloned().unwrap_or_default(),
            });
        }
        report::note(&format!("local providers ({}) on {address}", mode.as_str()));
    }

    let state = StateFolder::kept(&paths.root.join(".wrangler").join("state").join("v3"))?;
    let code = match env::var(SETUP_CODE) {
        Ok(code) => code,
        Err(_) => settings
            .get(SETUP_CODE)
            .cloned()
            .map_or_else(sign_in::new_code, Ok)?,
    };
    settings.insert(SETUP_CODE.to_owned(), code.clone());
    let mut command = worker(paths, port, &state)?;
    command.envs(settings);
    let Some(address) = services.start("the worker", &mut command)? else {
        return Ok(());
    };
    let running = Running {
        worker: address,
        providers_mode: mode,
        telephone,
    };
    let _note = running.announce(paths)?;
    report::answer(&format!("Voxanne is on {}", running.worker));
    sign_in::prepare(paths, &state.path, &running.worker, &code)?;
    if running.telephone.is_some() {
        report::note("to call her by telephone, in another terminal: cargo xtask phone");
    }
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
    let keys = vendor.keys.iter().map(|(name, _)| *name);
    keys.chain([vendor.base_url])
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
