//! `local-providers`: the providers as a program; `say`, a tool that writes a spoken line to a WAV file; and `phone`, which has
//! running providers hold a phone call.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use lexopt::prelude::{Long, Short, Value, ValueExt};
use local_providers::phone::order::Order;
use local_providers::speech::{self, Engines};
use local_providers::{Config, Mode, Script};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "\
Usage: local-providers [--port N] [--mode speech|scripted] [--script FILE.json] [--log FILE.jsonl]
                       [--engines DIR] [--parent-stdin]
       local-providers say [--engines DIR] [--rate HZ] TEXT OUT.wav
       local-providers phone --providers URL --worker URL [--account SID --token TOKEN] [--origin URL]
                             (--say FILE.wav | --script SCENARIO.txt) --out FILE.wav

  --port N         listen on this port of loopback; 0, the default, takes any free one
  --mode MODE      scripted (the default) needs nothing; speech needs the engines
  --script FILE    what the emulator hears and answers, how fast, and what goes wrong;
                   a short demonstration by default
  --log FILE       write every message to FILE, one JSON object a line
  --engines DIR    where the engines are; ~/.cache/voxanne/engines by default
  --parent-stdin   end when standard input ends, and so with the parent
  --rate HZ        of the WAV file, 16000 by default
  --providers URL  the running providers, which hold the call
  --worker URL     whom to call
  --account, --token, --origin
                   what the worker has as TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and PUBLIC_ORIGIN
  --say FILE       ask this, and say it once more over the answer
  --out FILE       the recording: the caller left, the agent right
";

enum Command {
    Help,
    Phone {
        providers: String,
        order: Box<Order>,
        file: PathBuf,
    },
    Say {
        engines: PathBuf,
        rate: u32,
        text: String,
        file: PathBuf,
    },
    Serve {
        config: Box<Config>,
        parent_stdin: bool,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is where a program started by hand says why it ends.
            let _ = writeln!(std::io::stderr(), "local-providers: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    match parse(lexopt::Parser::from_env())? {
        Command::Help => Ok(std::io::stdout().write_all(USAGE.as_bytes())?),
        Command::Phone {
            providers,
            order,
            file,
        } => {
            let outcome = order.place(&providers).await?;
            std::fs::write(&file, outcome.wav()?)
                .with_context(|| format!("cannot write {}", file.display()))?;
            let mut out = std::io::stdout();
            for moment in outcome.events {
                writeln!(out, "{:9.3}  {}", moment.at_ms / 1e3, moment.text)?;
            }
            Ok(())
        }
        Command::Say {
            engines,
            rate,
            text,
            file,
        } => {
            let engines = Engines::load(&engines)?;
            let samples = engines.say_at(&text, rate)?;
            std::fs::write(&file, local_providers::wav(&samples, rate))
                .with_context(|| format!("cannot write {}", file.display()))
        }
        Command::Serve {
            config,
            parent_stdin,
        } => {
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            let providers = local_providers::start(*config).await?;
            let mut out = std::io::stdout();
            writeln!(out, "listening on {}", providers.base_url())?;
            out.flush()?;
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = end_of_input(), if parent_stdin => {}
            }
            providers.stop().await;
            // A thread that waits for standard input cannot be told to stop.
            std::process::exit(0)
        }
    }
}

/// Returns when standard input ends.
async fn end_of_input() {
    let read = tokio::task::spawn_blocking(|| {
        std::io::copy(&mut std::io::stdin().by_ref(), &mut std::io::sink())
    });
    // An input that cannot be read has ended.
    let _ = read.await;
}

fn parse(mut arguments: lexopt::Parser) -> anyhow::Result<Command> {
    // Nobody reads the log of a program: it is in the file, if anywhere.
    let mut config = Config {
        script: Script::demonstration(),
        keep_log: false,
        ..Config::default()
    };
    let (mut speech, mut parent_stdin, mut rate) = (false, false, 16_000);
    let mut engines = None;
    let (mut providers, mut out, mut script) = (None, None, None);
    let mut order = Order::default();
    let mut words: Vec<String> = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("account") => order.account_sid = Some(arguments.value()?.string()?),
            Long("engines") => engines = Some(PathBuf::from(arguments.value()?)),
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("log") => config.log_file = Some(arguments.value()?.into()),
            Long("mode") => {
                speech = match arguments.value()?.string()?.as_str() {
                    "scripted" => false,
                    "speech" => true,
                    other => bail!("--mode is speech or scripted, not {other:?}"),
                }
            }
            Long("origin") => order.public_origin = Some(arguments.value()?.string()?),
            Long("out") => out = Some(PathBuf::from(arguments.value()?)),
            Long("parent-stdin") => parent_stdin = true,
            Long("port") => config.port = arguments.value()?.parse()?,
            Long("providers") => providers = Some(arguments.value()?.string()?),
            Long("rate") => rate = arguments.value()?.parse()?,
            Long("say") => order.say(&read(&arguments.value()?.into())?),
            Long("script") => script = Some(PathBuf::from(arguments.value()?)),
            Long("token") => order.auth_token = Some(arguments.value()?.string()?),
            Long("worker") => order.worker = arguments.value()?.string()?,
            Value(word) => words.push(word.string()?),
            other => bail!("{}\n\n{USAGE}", other.unexpected()),
        }
    }
    let engines = engines.map_or_else(speech::default_engines_folder, Ok);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => {
            if let Some(path) = script {
                config.script = Script::from_json(&text_of(&path)?)
                    .with_context(|| format!("{} is no script", path.display()))?;
            }
            if speech {
                config.mode = Mode::Speech { engines: engines? };
            }
            Ok(Command::Serve {
                config: Box::new(config),
                parent_stdin,
            })
        }
        ["phone"] => {
            if let Some(path) = script {
                order.act(text_of(&path)?);
            }
            if order.worker.is_empty() || order.say.is_some() == order.scenario.is_some() {
                bail!("a call needs --worker, and either --say or --script\n\n{USAGE}");
            }
            Ok(Command::Phone {
                providers: providers.context("a call needs --providers")?,
                order: Box::new(order),
                file: out.context("a call needs --out")?,
            })
        }
        ["say", text, file] => Ok(Command::Say {
            engines: engines?,
            rate,
            text: text.to_owned(),
            file: PathBuf::from(file),
        }),
        _ => bail!("cannot understand the command line\n\n{USAGE}"),
    }
}

fn read(path: &PathBuf) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn text_of(path: &PathBuf) -> anyhow::Result<String> {
    String::from_utf8(read(path)?).with_context(|| format!("{} is no text", path.display()))
}
