//! An explained failure, for people and for programs: a story, a page, and the data behind both.

mod account;
mod captions;
mod diagram;
mod mermaid;
mod model;
mod packed;
pub(super) mod page;
mod perfetto;
mod text;
mod thread;

pub use account::Account;
pub use mermaid::explained_mermaid;
pub use model::{
    Band, Event, Explained, Info, Kept, Knob, Line, Machine, Message, Nearest, Rise, Step, Values,
};
pub use text::explained_text;

impl Explained {
    /// One HTML file that shows the failure: its story, and a diagram of what led to it. It asks
    /// for nothing from elsewhere, so that it can be opened from a disk.
    pub fn html(&self) -> String {
        page::page(self)
    }

    /// The whole run as a trace in Chrome's trace event format, as <https://ui.perfetto.dev> opens
    /// it.
    pub fn perfetto(&self) -> String {
        perfetto::trace(self)
    }

    /// The same as one JSON object.
    pub fn json(&self) -> String {
        super::json::pretty(self)
    }
}
