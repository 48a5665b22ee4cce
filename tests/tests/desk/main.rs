//! The work that she does for callers, through the worker on workerd and the database that it has there.

mod endings;
mod model;
mod transfer;
