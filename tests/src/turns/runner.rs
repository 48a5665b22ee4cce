//! The whole set through the settings, on all processors.

use std::collections::{HashMap, VecDeque};
use std::num::NonZero;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, anyhow};
use local_providers::speech::Engines;
use voice_core::simulation::door::Door;

use super::case::Case;
use super::reader::Reader;
use super::setting::Setting;
use super::track::{Hers, Track};
use super::verdict::Verdict;
use super::voices::{Studio, voice_of};
use super::world::{Call, World};

/// One case at one door under one setting.
#[derive(Clone, Debug)]
pub struct Run {
    pub case: Case,
    pub setting: Setting,
    pub verdict: Verdict,
    /// The caller's voice, and when it truly began and ended.
    pub caller: String,
    pub trace: String,
}

/// Runs every case at every door under every setting; the order is that of the cases.
///
/// # Errors
/// When the engines are missing or fail.
pub fn run_all(
    cases: &[Case],
    doors: &[Door],
    settings: &[Setting],
    engines: &Path,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Run>> {
    let waiting: Mutex<VecDeque<&Case>> = Mutex::new(cases.iter().collect());
    let runs: Mutex<Vec<Run>> = Mutex::default();
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let work = || -> Result<()> {
        // Each with engines of its own: they are behind locks.
        let engines = Engines::load(engines)?;
        let mut bench = Bench::new(&engines);
        loop {
            let Some(case) = locked(&waiting).pop_front() else {
                return Ok(());
            };
            for door in doors {
                let done = bench
                    .run(case, *door, settings)
                    .with_context(|| format!("{}: {}", case.class.name(), case.text))?;
                locked(&runs).extend(done);
            }
            progress(locked(&waiting).len());
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?)
    })?;
    let mut runs = runs.into_inner().unwrap_or_else(PoisonError::into_inner);
    runs.sort_by_key(|run| run.case.number);
    Ok(runs)
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one worker has.
struct Bench<'a> {
    engines: &'a Engines,
    studio: Studio<'a>,
    /// When what she says is heard, by her words and the door.
    rehearsed: HashMap<(String, &'static str), Hers>,
}

impl<'a> Bench<'a> {
    fn new(engines: &'a Engines) -> Self {
        Self {
            engines,
            studio: Studio::new(engines),
            rehearsed: HashMap::new(),
        }
    }

    fn run(&mut self, case: &Case, door: Door, settings: &[Setting]) -> Result<Vec<Run>> {
        let hers = self.rehearse(&case.hers, door)?;
        let track = Track::make(case, door, hers, &mut self.studio)?;
        let reader = Reader::new(self.engines, &track.samples);
        let one = |setting: &Setting| {
            let call = call(*setting, case, door, &track, &reader)?;
            Ok(Run {
                case: case.clone(),
                setting: *setting,
                verdict: Verdict::of(case, door, &track, &call),
                caller: format!(
                    "{} voice, {:.3} to {:.3} s",
                    voice_of(case.number).name,
                    track.onset as f64 / 1_000.0,
                    track.end as f64 / 1_000.0
                ),
                trace: call.trace,
            })
        };
        settings.iter().map(one).collect()
    }

    /// When what she says first is heard by a caller who is silent.
    fn rehearse(&mut self, hers: &str, door: Door) -> Result<Hers> {
        let key = (hers.to_owned(), door_name(door));
        if let Some(known) = self.rehearsed.get(&key) {
            return Ok(*known);
        }
        let track = Track::silent();
        let reader = Reader::new(self.engines, &track.samples);
        let setting = Setting::Plain;
        let config = setting.config(hers, door);
        let call = World::new(config, setting.recogniser(), door, &track, &reader).run()?;
        let (_, from, to) = *call.heard.first().context("she is not heard")?;
        let hers = Hers { from, to };
        self.rehearsed.insert(key, hers);
        Ok(hers)
    }
}

fn call(
    setting: Setting,
    case: &Case,
    door: Door,
    track: &Track,
    reader: &Reader<'_>,
) -> Result<Call> {
    let config = setting.config(&case.hers, door);
    World::new(config, setting.recogniser(), door, track, reader).run()
}

/// The door's name in reports.
#[must_use]
pub const fn door_name(door: Door) -> &'static str {
    match door {
        Door::Browser => "browser",
        Door::Telephone => "telephone",
    }
}
