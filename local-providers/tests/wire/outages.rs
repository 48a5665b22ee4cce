//! Faults that come and go while the vendors run, and what is open meanwhile.

use std::time::Duration;

use local_providers::OpenConnection;

use super::faults::{failing, get_models};
use super::*;

#[tokio::test]
async fn an_outage_begins_and_ends_by_itself() {
    let refuse = Fault::Refuse {
        status: 503,
        body: Value::Null,
        headers: Default::default(),
    };
    let cut = Fault::Cut {
        when: When::at_once(),
    };
    let providers = failing(Vec::new()).await;
    let status = async || {
        get_models(&providers)
            .send()
            .await
            .expect("a head")
            .status()
    };
    assert_eq!(status().await, 200);
    let mut socket = connect(&providers, SPEAK).await.expect("accepted");
    until(&mut socket, "Metadata").await;
    providers.set_faults(vec![
        FaultRule::always(Service::Models, refuse).between(400, 800),
        FaultRule::always(Service::Listen, cut).between(400, 800),
    ]);
    let mut listening = connect(&providers, LISTEN).await.expect("accepted");
    assert_eq!(status().await, 200);
    // What is open when it begins is struck too.
    assert!(!matches!(listening.next().await, Some(Ok(_))));
    assert_eq!(status().await, 503);
    let during = connect(&providers, LISTEN).await;
    assert!(!matches!(
        during.expect("accepted").next().await,
        Some(Ok(_))
    ));
    while status().await == 503 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut after = connect(&providers, LISTEN).await.expect("accepted");
    send(&mut after, json!({ "type": "CloseStream" })).await;
    assert_eq!(until_close(&mut after).await.0, 1000);
}

#[tokio::test]
async fn other_faults_leave_the_script_and_the_count_as_they_are() {
    let providers = failing(Vec::new()).await;
    let answer = async || {
        let response = post(&providers, CHAT, &chat(true, "Hi")).send().await?;
        response.text().await
    };
    assert!(answer().await.expect("whole").contains("four"));
    providers.set_faults(vec![FaultRule::nth(Service::Chat, 3, Fault::Drop)]);
    assert!(answer().await.expect("whole").contains("four"));
    assert!(answer().await.is_err());
    assert!(answer().await.expect("whole").contains("four"));
}

#[tokio::test]
async fn what_is_open_is_known_without_a_log() {
    let providers = local_providers::start(Config {
        keep_log: false,
        script: quick(),
        ..Config::default()
    })
    .await
    .expect("starts");
    let mut speaking = connect(&providers, SPEAK).await.expect("accepted");
    until(&mut speaking, "Metadata").await;
    let since = providers.elapsed_ms();
    let mut listening = connect(&providers, LISTEN).await.expect("accepted");
    silence(&mut listening, 1_100).await;
    until(&mut listening, "Results").await;
    let open = providers.open_connections();
    let services: Vec<Service> = open.iter().map(|open| open.service).collect();
    assert_eq!(services, [Service::Speak, Service::Listen]);
    let [
        OpenConnection {
            conn: 1, since_ms, ..
        },
        _,
    ] = open[..]
    else {
        panic!("{open:?}");
    };
    assert!(since_ms <= since && open[1].since_ms >= since);
    drop((speaking, listening));
    while !providers.open_connections().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
