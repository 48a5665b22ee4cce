//! Texts that have harmed others: what is kept of them, what comes back, and what is exported. Nothing but the text that was meant.

mod cases;
mod forms;
mod records;
mod refused;
