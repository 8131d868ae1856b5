//! Explained failures: text, and the data that pages and programs read.

use crate::explain::Explanation;
use crate::shrink::Size;

mod diagram;
mod text;
mod thread;

pub use text::explained_text;

/// A failure that was explained.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The scenario as it was named.
    pub scenario: String,
    /// The explanation.
    pub explanation: Explanation,
    /// How large the failure was before it was shrunk, if it was.
    pub before: Option<Size>,
    /// The line that shows the failure again.
    pub replay: String,
}
