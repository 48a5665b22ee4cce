//! A text spoken by the engine, clause by clause, so that the first is heard while the next is made.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::{Engines, piper};

pub(crate) fn speak(
    engines: &Arc<Engines>,
    text: &str,
    rate: u32,
    extra: Duration,
) -> mpsc::Receiver<Vec<i16>> {
    let (sender, receiver) = mpsc::channel(CHUNKS_WAITING);
    let (engines, clauses) = (Arc::clone(engines), piper::clauses(text));
    tokio::spawn(async move {
        sleep(extra).await;
        for clause in clauses {
            if sender.is_closed() {
                return;
            }
            let engines = Arc::clone(&engines);
            let sound = spawn_blocking(move || engines.say_clause(&clause, rate)).await;
            let sound = match sound {
                Ok(Ok(sound)) => sound,
                Ok(Err(error)) => return super::complain("the voice", &error),
                // The runtime is shutting down.
                Err(_) => return,
            };
            for chunk in sound.chunks((rate / CHUNKS_PER_SECOND) as usize) {
                if sender.send(chunk.to_vec()).await.is_err() {
                    return;
                }
            }
        }
    });
    receiver
}

/// 40 ms a chunk.
const CHUNKS_PER_SECOND: u32 = 25;

/// How far the voice runs ahead of a socket that is slow to take it.
const CHUNKS_WAITING: usize = 8;
