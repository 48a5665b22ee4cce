//! The socket on which a page watches the calls that are on.

use worker::Method;

use super::whose::Whose;
use super::{Answer, Ask, Guard, Route};
use crate::auth::Proof;
use crate::live_board;
use crate::problem::Problem;

pub(in crate::routes) const ROUTES: &[Route] =
    &[Route::new(Method::Get, "/api/live", Guard::Viewer, |ask| {
        Box::pin(watch(ask))
    })];

async fn watch(ask: Ask) -> Answer {
    let upgrade = ask.request.headers().get("Upgrade")?;
    if !upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket")) {
        return Err(Problem::upgrade_required().into());
    }
    let whose = Whose::of(&ask).await?;
    let until = match ask.visitor()?.by {
        Proof::Access => None,
        Proof::Session { expires_at, .. } => u64::try_from(expires_at).ok(),
    };
    Ok(live_board::watch(&ask.env, whose.id(), until).await?)
}
