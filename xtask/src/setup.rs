//! What a bare machine lacks: the wasm target, two cargo tools, the npm packages, and for some commands a browser,
//! a phonemizer and the speech engines. Each step looks first and says nothing when there is nothing to do.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::fingerprint::Fingerprint;
use crate::paths::Paths;
use crate::process::run;
use crate::report::step;
use crate::{engines, report};

/// Turns the worker's crate into modules for workerd.
pub(crate) const WORKER_BUILD: CargoTool = CargoTool {
    package: "worker-build",
    version: "0.8.7",
    program: "worker-build",
    locked: true,
    openssl: true,
    optimised: &[],
};

/// Must equal the `wasm-bindgen` crate in Cargo.lock: the two share an unversioned format.
pub(crate) const WASM_BINDGEN: CargoTool = CargoTool {
    package: "wasm-bindgen-cli",
    version: "0.2.130",
    program: "wasm-bindgen",
    // Its lock file names a version of a crate that was withdrawn.
    locked: false,
    openssl: false,
    optimised: &[
        "walrus",
        "wasm-bindgen-cli-support",
        "wasm-encoder",
        "wasmparser",
    ],
};

const TARGET: &str = "wasm32-unknown-unknown";

/// Wrangler and miniflare refuse anything older.
const OLDEST_NODE: (u32, u32) = (22, 12);

#[derive(Debug)]
pub(crate) struct CargoTool {
    package: &'static str,
    version: &'static str,
    program: &'static str,
    locked: bool,
    /// Whether it links the system's OpenSSL.
    openssl: bool,
    /// Crates of it that do the work.
    optimised: &'static [&'static str],
}

impl CargoTool {
    pub(crate) fn path(&self, paths: &Paths) -> PathBuf {
        paths.cargo_tool(self.package, self.version, self.program)
    }
}

/// What building and running the worker needs.
pub(crate) fn toolchain(paths: &Paths) -> Result<()> {
    wasm_target(paths)?;
    node_packages(paths)?;
    cargo_tool(paths, &WASM_BINDGEN)?;
    cargo_tool(paths, &WORKER_BUILD)?;
    let _ = fs::remove_dir_all(compiling(paths));
    Ok(())
}

/// What hearing and speaking on this machine needs.
pub(crate) fn speech(paths: &Paths) -> Result<()> {
    phonemizer()?;
    engines::install(paths)
}

/// `cargo xtask setup`.
pub(crate) fn everything(paths: &Paths) -> Result<()> {
    let _lock = paths.lock_tools()?;
    toolchain(paths)?;
    speech(paths)?;
    let browser = chromium()?;
    report::note(&format!(
        "ready: tools and engines in {}, browser {}",
        paths.cache.display(),
        browser.display()
    ));
    Ok(())
}

fn wasm_target(paths: &Paths) -> Result<()> {
    let output = paths
        .command("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .context("cannot start rustc")?;
    let libraries = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !libraries.is_empty() && Path::new(&libraries).exists() {
        return Ok(());
    }
    step("Rust's standard library for wasm", || {
        run(paths.command("rustup").args(["target", "add", TARGET]))
    })
}

/// Where the cargo tools are compiled.
fn compiling(paths: &Paths) -> PathBuf {
    paths.cache.join("tools").join("compiling")
}

fn cargo_tool(paths: &Paths, tool: &CargoTool) -> Result<()> {
    let program = tool.path(paths);
    if program.exists() {
        return Ok(());
    }
    let CargoTool {
        package, version, ..
    } = *tool;
    if tool.openssl && cfg!(target_os = "linux") && !has_openssl() {
        apt(
            "libssl-dev",
            "OpenSSL's development files, for worker-build,",
        )?;
        apt("pkg-config", "pkg-config, for worker-build,")?;
    }
    step(&format!("{package} {version}, compiled once"), || {
        let folder = paths
            .cache
            .join("tools")
            .join(format!("{package}-{version}"));
        let partial = folder.with_file_name(format!("{package}-{version}.partial"));
        let mut command = paths.cargo();
        command
            .args([
                "install",
                "--quiet",
                package,
                "--version",
                version,
                "--root",
            ])
            .arg(&partial)
            // One folder for both, since they share many crates.
            .env("CARGO_TARGET_DIR", compiling(paths))
            // Less than half the time to compile; only the crates that work on wasm are worth optimising.
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
        for hot in tool.optimised {
            command
                .arg("--config")
                .arg(format!("profile.release.package.{hot}.opt-level=2"));
        }
        if tool.locked {
            command.arg("--locked");
        }
        run(&mut command)?;
        let _ = fs::remove_dir_all(&folder);
        fs::rename(&partial, &folder).with_context(|| format!("cannot make {}", folder.display()))
    })
}

fn node_packages(paths: &Paths) -> Result<()> {
    let stamp = paths.root.join("node_modules").join(".xtask-stamp");
    let lists = Fingerprint::of(
        &paths.root,
        &["package.json", "package-lock.json"],
        &[],
        stamp,
    )?;
    if !lists.stands() {
        step("npm packages", || {
            // Not `npm ci`: it refuses a lock file that lacks another platform's optional package, and a registry
            // that does not carry that platform leaves it out. The versions are the lock file's either way.
            run(paths.command("npm").args([
                "install",
                "--no-save",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ]))
            .context("npm install failed (npm comes with Node.js)")?;
            lists.keep()
        })?;
    }
    Ok(())
}

/// Refuses a node that the packages did not bring and that is too old, with words instead of a syntax error.
pub(crate) fn node(paths: &Paths) -> Result<PathBuf> {
    let own = paths.node_tool("node");
    if own.exists() {
        return Ok(own);
    }
    let output = Command::new("node")
        .arg("--version")
        .output()
        .context("Node.js is not installed")?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut parts = version.trim_start_matches('v').split('.').map(str::parse);
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
        bail!("node --version says {version:?}");
    };
    let (wanted_major, wanted_minor) = OLDEST_NODE;
    if (major, minor) < OLDEST_NODE {
        bail!("Node.js {wanted_major}.{wanted_minor} or newer is needed, this is {version}");
    }
    Ok("node".into())
}

fn has_openssl() -> bool {
    Command::new("pkg-config")
        .args(["--exists", "openssl"])
        .status()
        .is_ok_and(|status| status.success())
}

/// The browser of the tests.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM") {
        let path = PathBuf::from(path);
        if !path.exists() {
            bail!("CHROMIUM names {}, which is not there", path.display());
        }
        return Ok(path);
    }
    if let Some(path) = installed_chromium() {
        return Ok(path);
    }
    apt("chromium", "Chromium")?;
    installed_chromium().context("chromium was installed and is not found")
}

fn installed_chromium() -> Option<PathBuf> {
    let on_path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&on_path).flat_map(|folder| {
        ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name))
    });
    let elsewhere = [
        "/usr/bin/chromium",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ]
    .map(PathBuf::from);
    in_path.chain(elsewhere).find(|path| path.is_file())
}

/// eSpeak NG, which turns text into phonemes for the voice.
fn phonemizer() -> Result<()> {
    if has_library("libespeak-ng.so.1") {
        return Ok(());
    }
    apt("libespeak-ng1", "the library libespeak-ng.so.1")
}

/// Whether the dynamic loader would find a library, by its cache and by the usual folders.
fn has_library(name: &str) -> bool {
    let cached = ["ldconfig", "/sbin/ldconfig"].iter().any(|program| {
        Command::new(program)
            .arg("-p")
            .stderr(Stdio::null())
            .output()
            .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(name))
    });
    cached
        || ["/usr/lib", "/usr/local/lib", "/usr/lib64"]
            .iter()
            .any(|folder| Path::new(folder).join(name).exists())
}

fn apt(package: &str, what: &str) -> Result<()> {
    let debian = Path::new("/usr/bin/apt-get").exists();
    if !debian || !rustix::process::geteuid().is_root() {
        let how = if debian {
            "sudo apt-get install "
        } else {
            "Debian's package is "
        };
        bail!("{what} is needed and not installed ({how}{package})");
    }
    step(&format!("{what}, from Debian's package {package}"), || {
        apt_get(&["update"])?;
        apt_get(&["install", "--yes", "--no-install-recommends", package])
    })
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    run(Command::new("apt-get")
        .arg("-qq")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive"))
}
