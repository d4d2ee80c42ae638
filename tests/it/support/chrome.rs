//! A real browser.

use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource as _, KeyAction, KeyActions},
    elements::Element,
    key::Key,
};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Method;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use super::{Caller, until};

const DRIVER: &str = "chromedriver";
const BROWSER: &str = "chromium";

/// A window of headless Chromium. It ends with the test.
pub struct Chrome {
    /// The window.
    pub client: Client,
    driver: Caller,
    base: String,
    /// Where the driver listens, and the window's number there.
    session: (String, String),
    folder: TempDir,
    _process: Child,
    _output: Lines<BufReader<ChildStdout>>,
}

/// A driver that is killed leaves its browser behind: the browser is asked to end before.
impl Drop for Chrome {
    fn drop(&mut self) {
        let (address, session) = &self.session;
        let Ok(mut driver) = std::net::TcpStream::connect(address) else { return };
        let request = format!(
            "DELETE /session/{session} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        );
        _ = driver.set_read_timeout(Some(Duration::from_secs(10)));
        // The answer comes when the browser is gone.
        _ = driver.write_all(request.as_bytes()).and_then(|()| driver.read(&mut [0]));
    }
}

impl Chrome {
    /// Opens a window for the server at `base`, with scripts or without. `None`, and says so, where
    /// no browser is installed and the environment allows to do without.
    pub async fn open(base: &str, scripts: bool) -> Option<Self> {
        if !is_installed(DRIVER) || !is_installed(BROWSER) {
            let spared = std::env::var("TRUEPRICE_TEST_NO_BROWSER").is_ok_and(|value| value == "1");
            assert!(spared, "{BROWSER} and {DRIVER} are not installed; tests/run installs them");
            eprintln!("skipped: {BROWSER} and {DRIVER} are not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (process, output, driver) = start_driver(folder.path()).await;
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities(&folder, scripts));
        let client = builder.connect(&driver).await.unwrap();
        let session = client.session_id().await.unwrap().unwrap();
        let address = driver.trim_start_matches("http://").to_owned();
        let held = (address, session.clone());
        let driver = Caller::anonymous(&format!("{driver}/session/{session}"));
        let base = base.to_owned();
        std::fs::create_dir(folder.path().join("downloads")).unwrap();
        let chrome = Self {
            client,
            driver,
            base,
            session: held,
            folder,
            _process: process,
            _output: output,
        };
        let place = json!({"behavior": "allow", "downloadPath": chrome.downloads()});
        chrome.devtools("Browser.setDownloadBehavior", place).await;
        // A window without a screen has no focus of its own.
        chrome.devtools("Emulation.setFocusEmulationEnabled", json!({"enabled": true})).await;
        Some(chrome)
    }

    /// Where downloads go.
    pub fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }

    async fn ask(&self, command: &str, body: Value) -> Value {
        let request = self.driver.request(Method::POST, command).json(&body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(answer["value"].get("error").is_none(), "{answer}");
        answer["value"].clone()
    }

    /// A command of the `DevTools` protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.ask("/goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    /// Makes the page `width` pixels wide.
    pub async fn set_width(&self, width: u32) {
        let screen =
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
    }

    /// What the console has shown since the last call: errors, refused resources, broken policies.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.ask("/se/log", json!({"type": "browser"})).await;
        let entries = entries.as_array().unwrap().iter();
        let bad = entries.filter(|entry| entry["level"] != "INFO" && entry["level"] != "DEBUG");
        bad.map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    /// Opens a page by its path.
    pub async fn goto(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.base)).await.unwrap();
    }

    /// Path and query of the page.
    pub async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url.as_str().strip_prefix(&self.base).unwrap().to_owned()
    }

    /// Waits until the page is this one.
    pub async fn arrives_at(&self, path: &str) {
        until(async || self.path().await == path).await;
    }

    /// The first element of a selector, as soon as there is one.
    pub async fn find(&self, css: &str) -> Element {
        until(async || self.client.find(Locator::Css(css)).await.is_ok()).await;
        self.client.find(Locator::Css(css)).await.unwrap()
    }

    /// The visible texts of all elements of a selector.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for element in self.client.find_all(Locator::Css(css)).await.unwrap() {
            // One that is gone meanwhile has no text any more.
            texts.push(element.text().await.unwrap_or_default());
        }
        texts
    }

    /// Waits until the first element of a selector shows `words`.
    pub async fn shows(&self, css: &str, words: &str) {
        until(async || self.texts(css).await.first().is_some_and(|text| text.contains(words)))
            .await;
    }

    /// Clicks the first element of a selector; again, where its page went away before it was clicked.
    pub async fn click(&self, css: &str) {
        loop {
            match self.find(css).await.click().await {
                Err(error) if error.is_stale_element_reference() => {}
                clicked => return clicked.unwrap(),
            }
        }
    }

    /// Types into a field in place of what it holds.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses a key, wherever the focus is.
    pub async fn press(&self, key: Key) {
        let value = char::from(key);
        let keys = KeyActions::new("keys".to_owned())
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value });
        self.client.perform_actions(keys).await.unwrap();
    }

    /// Chooses files for a file field.
    pub async fn choose(&self, css: &str, files: &[PathBuf]) {
        let paths: Vec<_> = files.iter().map(|path| path.to_str().unwrap()).collect();
        self.find(css).await.send_keys(&paths.join("\n")).await.unwrap();
    }

    /// What a script gives.
    pub async fn eval(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// The bytes of a finished download.
    pub async fn downloaded(&self, name: &str) -> Vec<u8> {
        let path = self.downloads().join(name);
        until(async || path.exists()).await;
        std::fs::read(path).unwrap()
    }
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A driver on a port of its own choice. It picks one for IPv4 and ends if somebody else has it for
/// IPv6: then another is started.
async fn start_driver(home: &Path) -> (Child, Lines<BufReader<ChildStdout>>, String) {
    for _ in 0..20 {
        let mut process = Command::new(DRIVER)
            .arg("--port=0")
            .env("HOME", home)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        if let Some(driver) = listening_at(&mut output).await {
            return (process, output, driver);
        }
    }
    panic!("{DRIVER} ends again and again");
}

/// Where the driver listens; `None` if it ended.
async fn listening_at(output: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    loop {
        let line = output.next_line().await.unwrap()?;
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            return Some(format!("http://127.0.0.1:{}", port.trim_end_matches('.')));
        }
    }
}

fn capabilities(folder: &TempDir, scripts: bool) -> Map<String, Value> {
    let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,900",
        &profile,
    ];
    let scripts = if scripts { 1 } else { 2 };
    let capabilities = json!({
        "browserName": "chrome",
        "unhandledPromptBehavior": "accept",
        "goog:loggingPrefs": {"browser": "ALL"},
        "goog:chromeOptions": {
            "args": arguments,
            "prefs": {"profile.managed_default_content_settings.javascript": scripts},
        },
    });
    capabilities.as_object().unwrap().clone()
}
