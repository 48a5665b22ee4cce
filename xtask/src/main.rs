//! `cargo xtask`: builds, runs and tests the product, and sets up whatever that needs.
//!
//! ```text
//! cargo xtask dev   [--port 8787] [--providers speech|scripted]   everything, on this machine, with nothing to sign up for
//! cargo xtask serve --port N [--state DIR]                        the worker alone, settings from the environment
//! cargo xtask phone [--say FILE.wav | --script NAME] [--out call.wav]
//!                                                                 a telephone call to what `dev` runs
//! cargo xtask build [--force]                                     the worker and the browser client
//! cargo xtask test                                                every test there is
//! cargo xtask bench                                               the measured table
//! cargo xtask bench turns [--settings A,B]                        how she takes turns, by two policies side by side
//! cargo xtask setup                                               only the tools, packages and engines
//! ```

#![forbid(unsafe_code)]

mod bench;
mod build;
mod client;
mod dev_vars;
mod engines;
mod fingerprint;
mod paths;
mod phone;
mod process;
mod report;
mod run;
mod running;
mod setup;
mod sign_in;
mod test;
mod wasm;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::{Arg, Parser, ValueExt};

use crate::build::Freshness;
use crate::paths::Paths;
use crate::phone::Caller;
use crate::run::Providers;

const USAGE: &str = "usage: cargo xtask COMMAND
  dev   [--port 8787] [--providers speech|scripted]
  serve --port N [--state DIR]
  phone [--say FILE.wav | --script NAME] [--out call.wav]
  build [--force]
  test
  bench [turns [--settings A,B]]
  setup";

fn main() -> ExitCode {
    match command() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::note(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn command() -> Result<()> {
    let paths = Paths::of_this_workspace()?;
    let mut args = Parser::from_env();
    let Some(Arg::Value(name)) = args.next()? else {
        bail!("{USAGE}");
    };
    match name.to_str() {
        Some("bench") => bench::bench(&paths, args.raw_args()?.collect()),
        Some("build") => build_command(&paths, args),
        Some("dev") => dev_command(&paths, args),
        Some("phone") => phone_command(&paths, args),
        Some("serve") => serve_command(&paths, args),
        Some("setup") => {
            no_more(args)?;
            setup::everything(&paths)
        }
        Some("test") => {
            no_more(args)?;
            test::test(&paths)
        }
        _ => bail!("{USAGE}"),
    }
}

fn build_command(paths: &Paths, mut args: Parser) -> Result<()> {
    let mut freshness = Freshness::Changed;
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("force") => freshness = Freshness::Everything,
            other => return Err(other.unexpected().into()),
        }
    }
    build::product(paths, freshness)
}

fn dev_command(paths: &Paths, mut args: Parser) -> Result<()> {
    let mut port = 8787;
    let mut providers = None;
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("port") => port = args.value()?.parse()?,
            Arg::Long("providers") => providers = Some(args.value()?.parse::<Providers>()?),
            other => return Err(other.unexpected().into()),
        }
    }
    run::dev(paths, port, providers)
}

fn phone_command(paths: &Paths, mut args: Parser) -> Result<()> {
    let (mut caller, mut out) = (Caller::Asks, None);
    while let Some(arg) = args.next()? {
        match (arg, &caller) {
            (Arg::Long("say"), Caller::Asks) => caller = Caller::Says(args.value()?.into()),
            (Arg::Long("script"), Caller::Asks) => caller = Caller::Plays(args.value()?.string()?),
            (Arg::Long("say" | "script"), _) => bail!("a caller says one thing: --say or --script"),
            (Arg::Long("out"), _) => out = Some(args.value()?.into()),
            (other, _) => return Err(other.unexpected().into()),
        }
    }
    phone::phone(paths, &caller, out)
}

fn serve_command(paths: &Paths, mut args: Parser) -> Result<()> {
    let mut port = None;
    let mut state: Option<PathBuf> = None;
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("port") => port = Some(args.value()?.parse()?),
            Arg::Long("state") => state = Some(args.value()?.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    let Some(port) = port else {
        bail!("serve needs --port N (0: any free one)");
    };
    run::serve(paths, port, state)
}

fn no_more(mut args: Parser) -> Result<()> {
    match args.next()? {
        Some(arg) => Err(arg.unexpected().into()),
        None => Ok(()),
    }
}
