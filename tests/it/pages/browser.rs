//! Pages in a headless Chromium, without a driver: what a test wants to know, a script inside the
//! page finds out, and the dumped document tells it.

use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{env, fs, process, thread};

/// Set to `required`, tests fail where there is no Chromium; else they say so and pass.
const VARIABLE: &str = "POSTULATE_CHROMIUM";

/// How often to look whether a browser has ended, and how long to wait each time.
const LOOKS_MAX: u32 = 6_000;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Catches what goes wrong before any script of the page runs.
const HOOKS: &str = r#"<script>
const complaints = [];
addEventListener("error", (event) => complaints.push(String(event.message ?? event.target)), true);
addEventListener("unhandledrejection", (event) => complaints.push(String(event.reason)));
addEventListener("securitypolicyviolation", (event) => complaints.push(event.violatedDirective));
console.error = console.warn = (...words) => complaints.push(words.join(" "));
</script>"#;

/// What probes are written with.
const WORDS: &str = r#"
const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const ids = (selector) => all(selector).map((node) => Number(node.dataset.event));
const later = (milliseconds = 60) => new Promise((done) => setTimeout(done, milliseconds));
// Frames come in real time, and virtual time runs ahead of them: look often.
const until = async (holds) => {
  for (let look = 0; look < 1000 && !holds(); look += 1) await later(20);
};
const press = (key, node = document.activeElement) => {
  node.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
};
const type = (node, text) => {
  node.value = text;
  node.dispatchEvent(new Event("input", { bubbles: true }));
};
const chosen = () => ids(".row.selected");
"#;

/// A window of a browser.
pub struct Window {
    pub width: u32,
    pub height: u32,
}

/// A window in which a page of some dozens of events is seen as a whole.
pub const TALL: Window = Window { width: 1280, height: 6000 };

/// What `probe`, the body of an asynchronous function, returns on the page; nothing if there is no
/// browser.
///
/// # Panics
/// If anything on the page complains, or the probe does not end.
#[track_caller]
pub fn probe(page: &str, window: &Window, probe: &str) -> Option<Value> {
    let browser = browser()?;
    let scratch = Scratch::new();
    let path = scratch.0.join("page.html");
    fs::write(&path, injected(page, probe)).unwrap();
    let document = dumped(&browser, &scratch.0, &path, window);
    let told = between(&document, "<pre id=\"findings\">", "</pre>").unwrap_or_else(|| {
        panic!("no findings in {document:?}");
    });
    let mut findings: Value =
        serde_json::from_str(told).unwrap_or_else(|_| panic!("the probe did not end: {told:?}"));
    assert_eq!(findings["complaints"], serde_json::json!([]), "the page complains");
    Some(findings["found"].take())
}

/// The document at `path` as it is after its scripts have run.
fn dumped(browser: &Path, scratch: &Path, path: &Path, window: &Window) -> String {
    let dump = scratch.join("dump.html");
    let mut running = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
        .arg(format!("--user-data-dir={}", scratch.join("profile").display()))
        .arg(format!("--window-size={},{}", window.width, window.height))
        .args(["--virtual-time-budget=90000", "--dump-dom"])
        .arg(format!("file://{}", path.display()))
        .stdin(Stdio::null())
        .stdout(File::create(&dump).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(&mut running);
    fs::read_to_string(dump).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a browser takes real time")]
fn wait_for(running: &mut Child) {
    for _ in 0..LOOKS_MAX {
        if running.try_wait().unwrap().is_some() {
            return;
        }
        thread::sleep(BETWEEN_LOOKS);
    }
    running.kill().unwrap();
    running.wait().unwrap();
    panic!("the browser did not end");
}

fn injected(page: &str, probe: &str) -> String {
    let (head, rest) = page.split_once("<head>").unwrap();
    let (body, tail) = rest.rsplit_once("</body>").unwrap();
    let script = format!(
        "<pre id=\"findings\"></pre><script>{WORDS}\n(async () => {{ {probe} }})()\n\
         .catch((error) => void complaints.push(`${{error}} ${{error.stack}}`))\n\
         .then((found) => {{\n\
         const told = JSON.stringify({{ complaints, found: found ?? null }});\n\
         one(\"#findings\").textContent = told.replace(/[<>&]/g, (sign) => {{\n\
         return `\\\\u00${{sign.charCodeAt(0).toString(16)}}`;\n\
         }});\n}});</script>"
    );
    format!("{head}<head>{HOOKS}{body}{script}</body>{tail}")
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.rsplit_once(start)?;
    rest.split_once(end).map(|(inside, _)| inside)
}

#[expect(clippy::disallowed_methods, reason = "where the browser is, the environment tells")]
fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let folders = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&folders)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|path| is_file(path));
    if found.is_none() {
        assert!(
            env::var(VARIABLE).as_deref() != Ok("required"),
            "there is no Chromium on the PATH, and {VARIABLE} requires one"
        );
        eprintln!("not tested: there is no Chromium on the PATH");
    }
    found
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}

/// A fresh folder that goes with its owner.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("postulate-page-{}-{number}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A browser that is still closing may hold on to its profile.
        let _ = fs::remove_dir_all(&self.0);
    }
}
