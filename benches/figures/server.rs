//! The real program as a process of its own.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use reqwest::{Client, multipart};
use sqlx::PgPool;
use tempfile::TempDir;

const EMAIL: &str = "bench@example.com";
const PASSWORD: &str = "a password for this run only";

/// A running server with its own data directory. It ends with this value.
pub struct Server {
    child: Child,
    base: String,
    token: String,
    client: Client,
    /// Its private PostgreSQL.
    pub pool: PgPool,
    _folder: TempDir,
}

impl Server {
    /// Who may sign in, and how.
    pub const ACCOUNT: (&str, &str) = (EMAIL, PASSWORD);

    /// The address of a page.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Starts it on a free port and signs in. It asks nobody.
    pub async fn start() -> Self {
        Self::start_with(&[("TRUEPRICE_FEEDS_POLL", "false"), ("TRUEPRICE_MQTT_MODE", "off")]).await
    }

    /// The same with variables of its own.
    pub async fn start_with(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // Root runs PostgreSQL as another user, who must be able to reach the folder.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), mode).expect("permissions");
        let mut child = Command::new(env!("CARGO_BIN_EXE_trueprice"))
            .arg("serve")
            .env_remove("DATABASE_URL")
            .env_remove("TRUEPRICE_S3_BUCKET")
            .env("TRUEPRICE_DATA_DIR", folder.path())
            .env("TRUEPRICE_LISTEN", "127.0.0.1:0")
            .env("TRUEPRICE_LOG", "warn")
            // Who signs in says where from: from one place twenty at once would be too many.
            .env("TRUEPRICE_TRUSTED_PROXIES", "127.0.0.1/32")
            .env("TRUEPRICE_ADMIN_EMAIL", EMAIL)
            .env("TRUEPRICE_ADMIN_PASSWORD", PASSWORD)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let base = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
            .expect("it listens");
        let client = Client::new();
        let token = sign_in(&client, &base).await;
        let url =
            std::fs::read_to_string(folder.path().join("database.url")).expect("its database");
        let pool = PgPool::connect(url.trim()).await.expect("a connection");
        Self { child, base, token, client, pool, _folder: folder }
    }

    /// Sends a file; panics unless it is answered with one of `wanted`.
    pub async fn upload(&self, name: &str, bytes: Vec<u8>, wanted: &[u16]) -> String {
        let part = multipart::Part::bytes(bytes).file_name(name.to_owned());
        let form = multipart::Form::new().part("file", part);
        let url = format!("{}/api/v1/uploads", self.base);
        let answer = self.client.post(url).bearer_auth(&self.token).multipart(form).send().await;
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        assert!(wanted.contains(&status), "{name}: {status} {text}");
        text
    }

    /// Asks for a path under `/api/v1`.
    pub async fn get(&self, path: &str) -> reqwest::Response {
        let url = format!("{}/api/v1/{path}", self.base);
        let answer = self.client.get(url).bearer_auth(&self.token).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer
    }

    /// The same with another token.
    pub async fn get_as(&self, token: &str, path: &str) -> reqwest::Response {
        let url = format!("{}/api/v1/{path}", self.base);
        let answer = self.client.get(url).bearer_auth(token).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer
    }

    /// Asks for a token with e-mail and password from an address; tells the status.
    pub async fn sign_in(&self, email: &str, address: &str) -> reqwest::StatusCode {
        let body = serde_json::json!({ "email": email, "password": PASSWORD });
        let post = self.client.post(format!("{}/api/v1/tokens", self.base));
        let sent = post.header("x-forwarded-for", address).json(&body).send();
        sent.await.expect("an answer").status()
    }

    /// Forgets the greatest resident memory so far.
    pub fn reset_memory(&self) {
        _ = std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5");
    }

    /// The greatest resident memory since then, in MiB.
    pub fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("the process lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = Command::new("kill").arg(self.child.id().to_string()).status();
        _ = self.child.wait();
    }
}

async fn sign_in(client: &Client, base: &str) -> String {
    let body = serde_json::json!({"email": EMAIL, "password": PASSWORD});
    let answer = client.post(format!("{base}/api/v1/tokens")).json(&body).send().await;
    let answer: serde_json::Value = answer.expect("an answer").json().await.expect("JSON");
    answer["access_token"].as_str().expect("a token").to_owned()
}
