//! An explained failure, for programs and for people: its JSON, and the page that shows it.

mod model;
mod page;

pub use model::{
    Band, Event, Explained, Info, Kept, Knob, Line, Machine, Message, Nearest, Rise, Step, Values,
};

impl Explained {
    /// One HTML file that shows the failure: its story, and a diagram of what led to it. It asks
    /// for nothing from elsewhere, so that it can be opened from a disk.
    pub fn html(&self) -> String {
        page::page(self)
    }
}
