//! The page that explains a failure.

use super::model::{Explained, Rise, Step};
use super::packed::{Packed, packed};
use askama::Template;
use serde::Serialize;

/// What the page looks like.
pub(in crate::report) const STYLE: &str = include_str!("page/page.css");

/// What the page does, each part after those that it builds on.
pub(in crate::report) const SCRIPT: &str = concat!(
    "\"use strict\";\n",
    include_str!("page/elements.js"),
    include_str!("page/graph.js"),
    include_str!("page/rows.js"),
    include_str!("page/drawing.js"),
    include_str!("page/panel.js"),
    include_str!("page/tools.js"),
    include_str!("page/explorer.js"),
    include_str!("page/start.js"),
);

/// The whole of a page.
#[derive(Template)]
#[template(path = "explained/page/explained.html")]
struct Page<'a> {
    explained: &'a Explained,
    article: String,
    style: &'static str,
    script: &'static str,
}

/// One failure on a page: its story, and the data for its diagram.
#[derive(Template)]
#[template(path = "explained/page/article.html")]
struct Article<'a> {
    explained: &'a Explained,
    data: String,
}

/// The whole page, which needs no other file.
pub(in crate::report) fn page(explained: &Explained) -> String {
    let page = Page { explained, article: article(explained), style: STYLE, script: SCRIPT };
    rendered(&page)
}

/// What a template comes to.
pub(in crate::report) fn rendered(template: &impl Template) -> String {
    template.render().expect("writing to a string does not fail")
}

/// The part of a page that shows one failure; it wants [`STYLE`] and [`SCRIPT`] around it.
pub(in crate::report) fn article(explained: &Explained) -> String {
    let article = Article { explained, data: data(explained) };
    rendered(&article)
}

impl Article<'_> {
    /// A class of the style sheet for a verdict.
    fn tone(verdict: &str) -> &'static str {
        match verdict {
            "holds" => "good",
            "unknown" => "doubtful",
            _ => "bad",
        }
    }

    /// The steps without which the run does not fail in the same way.
    fn needed(&self) -> Vec<&Step> {
        let is_needed = |step: &&Step| step.without != self.explained.group;
        self.explained.steps.iter().filter(is_needed).collect()
    }

    /// The other steps.
    fn idle(&self) -> Vec<&Step> {
        let is_idle = |step: &&Step| step.without == self.explained.group;
        self.explained.steps.iter().filter(is_idle).collect()
    }

    /// What would be without a step, with the class of its tone.
    fn without(&self, step: &Step) -> (&'static str, String) {
        match step.without.as_str() {
            "holds" => ("good", "without it: holds".to_owned()),
            again if again == self.explained.group => {
                ("idle", "without it: fails all the same".to_owned())
            }
            other => ("doubtful", format!("without it: {other}")),
        }
    }

    /// An event in words, for a link to it.
    fn event(&self, id: usize) -> String {
        let Some(event) = self.explained.events.get(id) else { return String::new() };
        let message = event.message.and_then(|id| self.explained.messages.get(id));
        let text = message.map_or(event.text.as_str(), |message| message.kind.as_str());
        let machine = event.machine.and_then(|id| self.explained.machines.get(id));
        // A fault names its machine.
        match machine.filter(|_| !["fault", "pause"].contains(&event.kind.as_str())) {
            Some(machine) => format!("{} {}: {text}", event.at, machine.name),
            None => format!("{} {text}", event.at),
        }
    }

    fn rise(rise: &Rise) -> String {
        format!("From {:.0} % to {:.0} %", rise.from * 100.0, rise.to * 100.0)
    }
}

/// What the diagram is drawn from.
#[derive(Serialize)]
struct Data<'a> {
    #[serde(flatten)]
    explained: &'a Explained,
    packed: Vec<Packed<'a>>,
}

fn data(explained: &Explained) -> String {
    let packed = packed(explained);
    let bare = Explained { states: Vec::new(), ..explained.clone() };
    embedded(&Data { explained: &bare, packed })
}

/// `value` as JSON for the inside of a `<script>` element: no `</script>` or `<!--` in a text can
/// end it or open a comment (HTML 13.1.2, raw text), and no line separator of Unicode is left that
/// JSON allows and older scripts do not.
fn embedded(value: &impl Serialize) -> String {
    serde_json::to_string(value)
        .expect("plain values have a JSON form")
        .replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_the_script_that_it_stands_in() {
        let text = "</script><!-- \u{2028} & \"quoted\"";
        let json = embedded(&text);
        assert_eq!(json, r#""\u003c/script>\u003c!-- \u2028 & \"quoted\"""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
