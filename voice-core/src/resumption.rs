//! The browser's half of going on with a call whose line was lost: when it is tried again ([`Line`]), and what is said again then ([`Kept`]).
//! The edge's half is the conversation's own (`Input::Away` and what follows).

mod kept;
mod line;

pub use self::kept::Kept;
pub use self::line::{Line, Step};
