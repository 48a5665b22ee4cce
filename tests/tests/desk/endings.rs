//! Every way in which a call can end, by both doors, and what its record says then: all of it, once, and nothing that contradicts the rest.

mod ledger;
mod ways;

use anyhow::ensure;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use local_providers::{Fault, Providers, Script, Service, When};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::door::{Door, Guest};
use tests::edge::Edge;
use tests::scripted;
use tests::words::{FIRST, GREETING, SECOND};

use self::ledger::Ledger;
use self::ways::Leaves;

const HOURS: &str = "what are your opening hours";
const PERSON: &str = "can I speak to a person please";
const GOODBYE: &str = "please tell Ann that I am late and goodbye";

const APOLOGY: &str = "I'm sorry, I'm having trouble just now. Could you say that again?";
const DEAF: &str = "I'm sorry, I can't hear you any more. Please call again in a few minutes.";
const THROUGH: &str = "One moment, I'll put you through.";
const PROMPT: &str = "Are you still there?";
const FAREWELL: &str = "Thank you for calling. Goodbye.";
const FILLER: &str = "One moment, please.";
const PREFACE: &str = "Let me write that down.";
const TAKEN: &str = "I will pass that on. Goodbye.";
const UNABLE: &str = "I'm sorry, I can't do that. Can I take a message?";

/// So many calls at once: the time is the callers', not the machine's.
const AT_ONCE: usize = 6;

/// A call that is over, and what its record must say.
struct Ending {
    about: &'static str,
    door: Door,
    call: String,
    /// The number of a caller by telephone.
    caller: Option<&'static str>,
    outcome: &'static str,
    turns: Vec<Turn>,
    /// The tools that ran.
    runs: Vec<&'static str>,
    /// The recogniser was given the caller's sound.
    listened: bool,
    /// The model was asked and did not refuse.
    asked: bool,
    /// The voice was given words that it does not say in every call.
    voiced: bool,
}

/// A turn as it must be kept.
#[derive(Clone)]
struct Turn {
    caller: &'static str,
    /// All that she had to say.
    words: String,
    heard: Heard,
    outcome: &'static str,
}

/// How much of her words was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    All,
    /// Some of them and not all, and what was not heard is the rest.
    Part,
    /// None. What was not heard may end where she was cut off.
    None,
    /// However much it was, of however much there was.
    Some,
}

impl Turn {
    fn new(caller: &'static str, words: &str, heard: Heard, outcome: &'static str) -> Self {
        Self {
            caller,
            words: words.to_owned(),
            heard,
            outcome,
        }
    }

    fn completed(caller: &'static str, words: &str) -> Self {
        Self::new(caller, words, Heard::All, "completed")
    }

    /// The greeting, heard.
    fn greeting() -> Self {
        Self::completed("", GREETING)
    }

    /// The caller said this, or some of it, and was gone.
    fn unanswered(caller: &'static str) -> Self {
        Self::new(caller, "", Heard::None, "hung_up")
    }
}

impl Ending {
    fn new(
        about: &'static str,
        door: Door,
        call: String,
        outcome: &'static str,
        turns: Vec<Turn>,
    ) -> Self {
        let answered = turns
            .iter()
            .any(|turn| !turn.caller.is_empty() && !turn.words.is_empty());
        Self {
            about,
            door,
            call,
            caller: (door == Door::Phone).then_some("+12025550123"),
            outcome,
            turns,
            runs: Vec::new(),
            listened: true,
            asked: answered,
            voiced: answered,
        }
    }
}

fn answer() -> String {
    format!("{FIRST} {SECOND}")
}

/// What is said and answered in every one of these calls; the k-th stretch of a caller's sound is the k-th of these.
fn script(utterances: &[&str], first_token_ms: u64, faults: &Value) -> anyhow::Result<Script> {
    let message =
        json!({ "name": "take_message", "arguments": { "text": "I am late.", "name": "Cy Poe" } });
    let end = json!({ "name": "end_call", "arguments": {} });
    let transfer = json!({ "name": "transfer_call", "arguments": {} });
    let script = json!({
        "utterances": utterances,
        "replies": [
            { "when": "hours", "say": answer() },
            { "when": "person", "preface": "Of course.", "tool_call": transfer },
            { "when": "goodbye", "preface": PREFACE, "tool_call": message, "more_calls": [end], "say": TAKEN },
        ],
        "latency": { "llm_first_token_ms": first_token_ms },
        "settings": { "ms_per_char": 40 },
        "faults": faults,
    });
    Ok(Script::from_json(&script.to_string())?)
}

/// A worker that is called, and keeps what it stores.
struct Stage {
    state: TempDir,
    providers: Providers,
    edge: Edge,
}

impl Stage {
    async fn open() -> anyhow::Result<Self> {
        let state = tempfile::tempdir()?;
        let providers = scripted("{}").await?;
        let edge = Edge::start_keeping(&providers, state.path()).await?;
        Ok(Self {
            state,
            providers,
            edge,
        })
    }

    /// A caller by this door who has heard the greeting.
    async fn greeted(&self, door: Door) -> anyhow::Result<Guest<'_>> {
        Guest::greeted(door, &self.providers, &self.edge, std::time::Duration::ZERO).await
    }
}

type Way<'a> = BoxFuture<'a, anyhow::Result<Ending>>;

/// Lets these calls happen, some of them at once.
async fn all(ways: Vec<Way<'_>>) -> anyhow::Result<Vec<Ending>> {
    stream::iter(ways)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// With providers that do as they should: the long ones first.
fn in_good_order(stage: &Stage) -> Vec<Way<'_>> {
    let mut ways: Vec<Way<'_>> = Vec::new();
    for door in Door::BOTH {
        ways.push(Box::pin(ways::says_nothing(stage, door)));
    }
    ways.push(Box::pin(ways::is_put_through(stage)));
    ways.push(Box::pin(ways::asks_in_vain_and_takes_leave(stage)));
    for door in Door::BOTH {
        for leaves in [Leaves::HangsUp, Leaves::Vanishes] {
            ways.push(Box::pin(ways::in_her_answer(stage, door, leaves)));
        }
        ways.push(Box::pin(ways::having_interrupted(stage, door)));
        ways.push(Box::pin(ways::in_his_sentence(stage, door)));
        ways.push(Box::pin(ways::in_his_turn(stage, door)));
        ways.push(Box::pin(ways::in_the_greeting(stage, door)));
    }
    ways.push(Box::pin(ways::before_the_stream(stage)));
    ways.push(Box::pin(ways::breaks_the_protocol(stage)));
    ways
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_is_complete_however_a_call_ends() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let use_script = |utterances: &[&str], first_token_ms, faults| {
        let script = script(utterances, first_token_ms, &faults)?;
        stage.providers.set_script(script);
        anyhow::Ok(())
    };
    let both = |way: fn(&Stage, Door) -> Way<'_>| Door::BOTH.map(|door| way(&stage, door));

    use_script(&[HOURS, PERSON, GOODBYE], 100, json!([]))?;
    let mut endings = all(in_good_order(&stage)).await?;

    // A model that takes its time.
    use_script(&[GOODBYE], 1_700, json!([]))?;
    let mut slow: Vec<Way<'_>> =
        both(|stage, door| Box::pin(ways::while_she_thinks(stage, door))).into();
    slow.push(Box::pin(ways::she_ends_it(&stage)));
    endings.extend(all(slow).await?);

    use_script(&[GOODBYE], 100, json!([]))?;
    let busy = both(|stage, door| Box::pin(ways::while_she_works(stage, door)));
    endings.extend(all(busy.into()).await?);

    let ledger = Ledger::read(stage.state.path(), endings.len()).await?;
    let faults = ledger.faults_of(&endings)?;
    ensure!(faults.is_empty(), "{faults:#?}");
    Ok(())
}

/// Each on a worker of its own: a provider that fails again and again brings Safe Mode for all calls of the business.
#[tokio::test(flavor = "multi_thread")]
async fn the_record_is_complete_whichever_provider_fails() -> anyhow::Result<()> {
    let refuse = |service: &str| json!({ "service": service, "fault": "refuse", "status": 500 });
    for door in Door::BOTH {
        for broken in ["chat", "speak", "listen"] {
            let stage = Stage::open().await?;
            let use_script = |faults| {
                stage.providers.set_script(script(&[HOURS], 100, &faults)?);
                anyhow::Ok(())
            };
            let ending = match broken {
                "chat" => {
                    use_script(json!([refuse("chat")]))?;
                    ways::the_model_fails(&stage, door).await?
                }
                "speak" => {
                    use_script(json!([refuse("speak"), refuse("speak_rest")]))?;
                    ways::the_voice_fails(&stage, door).await?
                }
                _ => {
                    use_script(json!([]))?;
                    let guest = ways::is_answered(&stage, door).await?;
                    use_script(json!([refuse("listen")]))?;
                    let cut = Fault::Cut {
                        when: When::at_once(),
                    };
                    stage.providers.strike(Service::Listen, cut);
                    ways::the_recogniser_fails(door, &guest).await?
                }
            };
            let ledger = Ledger::read(stage.state.path(), 1).await?;
            let faults = ledger.faults_of(std::slice::from_ref(&ending))?;
            ensure!(faults.is_empty(), "{broken}, {door:?}: {faults:#?}");
        }
    }
    Ok(())
}
