//! `cargo xtask bench turns`: how well she takes turns, on the labelled set of `tests/turns`, for two settings or more in one run.
//!
//! ```text
//! cargo xtask bench turns [--settings plain,default] [--json] [--list-failures | --list-all] [--class NAME] [--door browser|telephone] [--containing TEXT]
//! ```

use anyhow::{Context, Result, bail};
use lexopt::{Arg, Parser, ValueExt};
use tests::speech::engines_folder;
use tests::turns::case::{self, Class};
use tests::turns::runner::{Run, door_name, run_all};
use tests::turns::setting::Setting;
use tests::turns::tally::Table;
use voice_core::simulation::door::Door;

fn main() -> Result<()> {
    let wanted = Wanted::parse(Parser::from_env())?;
    let mut cases = case::all()?;
    cases.retain(|case| {
        wanted.class.is_none_or(|class| case.class == class)
            && case.text.contains(&wanted.containing)
    });
    if cases.is_empty() {
        bail!("no case is like that");
    }
    let runs = run_all(
        &cases,
        &wanted.doors,
        &wanted.settings,
        &engines_folder()?,
        &|left| {
            if left.is_multiple_of(40) {
                tests::figures::show(format!("{left} cases to go"));
            }
        },
    )?;
    print(&runs, &wanted)
}

struct Wanted {
    settings: Vec<Setting>,
    doors: Vec<Door>,
    class: Option<Class>,
    containing: String,
    json: bool,
    list_failures: bool,
    list_all: bool,
}

impl Wanted {
    fn parse(mut args: Parser) -> Result<Self> {
        let mut wanted = Self {
            settings: vec![Setting::Plain, Setting::Default],
            doors: Door::ALL.to_vec(),
            class: None,
            containing: String::new(),
            json: false,
            list_failures: false,
            list_all: false,
        };
        while let Some(arg) = args.next()? {
            match arg {
                Arg::Long("settings") => {
                    wanted.settings = Setting::list(&args.value()?.string()?)?;
                }
                Arg::Long("door") => {
                    let name = args.value()?.string()?;
                    wanted.doors.retain(|door| door_name(*door) == name);
                    if wanted.doors.is_empty() {
                        bail!("no door {name:?}");
                    }
                }
                Arg::Long("class") => {
                    let name = args.value()?.string()?;
                    let class = Class::ALL.into_iter().find(|class| class.name() == name);
                    wanted.class = Some(class.with_context(|| format!("no class {name:?}"))?);
                }
                Arg::Long("containing") => wanted.containing = args.value()?.string()?,
                Arg::Long("json") => wanted.json = true,
                Arg::Long("list-failures") => wanted.list_failures = true,
                Arg::Long("list-all") => wanted.list_all = true,
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(wanted)
    }
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn print(runs: &[Run], wanted: &Wanted) -> Result<()> {
    for run in runs {
        let failure = run.verdict.failure();
        if wanted.list_all || (wanted.list_failures && failure.is_some()) {
            println!(
                "{} · {} · {} · {}: {}\n  {}",
                failure.unwrap_or("right"),
                run.setting.name(),
                door_name(run.verdict.door),
                run.case.class.name(),
                run.case.text,
                run.caller,
            );
            for line in run.trace.lines() {
                println!("  {line}");
            }
            println!();
        }
    }
    let table = Table::of(runs, &wanted.settings);
    if wanted.json {
        println!("{}", serde_json::to_string_pretty(&table)?);
    } else {
        print!("{}", table.to_text());
    }
    Ok(())
}
