//! Programs that run until told to stop, and never outlive this one.
//!
//! Each gets a pipe as stdin that it watches: the pipe closes when this process ends, however it ends. Each leads a
//! process group of its own, so that what it started (workerd is a grandchild) can be ended with it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::report;

/// What a service writes on stdout when it can be used; the address follows.
const READY: &str = "listening on ";

/// How long a service may take to end by itself. workerd ends at once, engines in a good second under load.
const PATIENCE: Duration = Duration::from_secs(5);

/// A cargo, npm or other program that runs to its end: its output is the person's to read, and never on stdout.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        bail!("{name} ended with {status}");
    }
    Ok(())
}

#[derive(Debug)]
enum Event {
    Ended(&'static str),
    Ready(String),
    Stop,
}

/// The services of one command, ended in the reverse order of their start.
#[derive(Debug)]
pub(crate) struct Services {
    running: Vec<Service>,
    events: Receiver<Event>,
    sender: Sender<Event>,
}

impl Services {
    /// From here on Ctrl-C and SIGTERM ask for an orderly end.
    pub(crate) fn new() -> Result<Self> {
        let (sender, events) = channel();
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
        let stop = sender.clone();
        thread::spawn(move || {
            for _ in signals.forever() {
                if stop.send(Event::Stop).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            running: Vec::new(),
            events,
            sender,
        })
    }

    /// Starts a service and gives its address once it is ready; `None` when the person asked to stop meanwhile.
    pub(crate) fn start(
        &mut self,
        name: &'static str,
        command: &mut Command,
    ) -> Result<Option<String>> {
        self.running
            .push(Service::start(name, command, &self.sender)?);
        match self.events.recv().context("no event can come")? {
            Event::Ended(ended) if ended == name => bail!("{name} could not start"),
            Event::Ended(ended) => bail!("{ended} ended by itself"),
            Event::Ready(address) => Ok(Some(address)),
            Event::Stop => Ok(None),
        }
    }

    /// Waits until the person asks to stop. A service that ends by itself is an error.
    pub(crate) fn wait(&self) -> Result<()> {
        loop {
            match self.events.recv().context("no event can come")? {
                Event::Ended(name) => bail!("{name} ended by itself"),
                Event::Ready(_) => {}
                Event::Stop => return Ok(()),
            }
        }
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        while let Some(service) = self.running.pop() {
            service.stop();
        }
    }
}

#[derive(Debug)]
struct Service {
    name: &'static str,
    child: Child,
    stdin: Option<ChildStdin>,
    ended: Receiver<()>,
}

impl Service {
    fn start(name: &'static str, command: &mut Command, events: &Sender<Event>) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("stdout is a pipe")?;
        let events = events.clone();
        let (end, ended) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { break };
                match line.strip_prefix(READY) {
                    Some(address) => {
                        let _ = events.send(Event::Ready(address.trim().to_owned()));
                    }
                    None => report::note(&line),
                }
            }
            let _ = end.send(());
            let _ = events.send(Event::Ended(name));
        });
        Ok(Self {
            name,
            child,
            stdin,
            ended,
        })
    }

    /// Closes its stdin, waits, and ends by force what is left of its group.
    fn stop(mut self) {
        drop(self.stdin.take());
        if self.ended.recv_timeout(PATIENCE).is_err() {
            report::note(&format!("{} does not end: killed", self.name));
        }
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}
