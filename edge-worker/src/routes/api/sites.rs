//! Which businesses there are to look at.

use worker::Method;

use super::types::{SiteEntry, Sites};
use super::whose::json;
use super::{Answer, Ask, Guard, Route};
use crate::store::site;

pub(in crate::routes) const ROUTES: &[Route] = &[Route::new(
    Method::Get,
    "/api/sites",
    Guard::Viewer,
    |ask| Box::pin(list(ask)),
)];

async fn list(ask: Ask) -> Answer {
    let db = ask.db()?;
    let mut sites = site::list(&db).await?;
    if sites.iter().all(|entry| entry.demo) {
        // A new installation begins with the first look at it.
        crate::site::find(&ask.env, crate::site::DEFAULT).await?;
        sites = site::list(&db).await?;
    }
    let entry = |entry: site::Entry| SiteEntry {
        id: entry.id,
        name: entry.name,
        demo: entry.demo,
    };
    json(&Sites {
        sites: sites.into_iter().map(entry).collect(),
    })
}
