//! The emulation of AWS: a server of its own for each test.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::place::programs;

/// A server that is running.
pub struct Moto {
    pub address: String,
    server: Child,
    directory: TempDir,
}

impl Moto {
    /// Starts one. It keeps what it is asked.
    pub fn start() -> Moto {
        let directory = TempDir::with_prefix("shipctl-test-").unwrap();
        let mut server = Command::new(programs().join("python"))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/aws/server.py"))
            .args(["-H", "127.0.0.1", "-p", "0"])
            .env("AWS_ACCESS_KEY_ID", "nobody")
            .current_dir(directory.path())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(server.stderr.take().unwrap()).lines();
        let address = log
            .by_ref()
            .find_map(|line| Some(line.unwrap().split_once("Running on ")?.1.trim().to_owned()))
            .expect("the server says where it is");
        std::thread::spawn(move || log.for_each(drop));
        let moto = Moto { address, server, directory };
        moto.post("/moto-api/recorder/start-recording", "");
        moto
    }

    /// From now on services run so: see `server.py`.
    pub fn scheduler(&self, how: &str) {
        // The server may read it at any time.
        let file = self.directory.path().join("next");
        std::fs::write(&file, how).unwrap();
        std::fs::rename(file, self.directory.path().join("scheduler")).unwrap();
    }

    /// Calls an action of ECS.
    pub fn ecs(&self, action: &str, body: &Value) -> Value {
        self.ecs_in("eu-west-1", action, body)
    }

    /// The same in a region.
    pub fn ecs_in(&self, region: &str, action: &str, body: &Value) -> Value {
        let target = format!("AmazonEC2ContainerServiceV20141113.{action}");
        let scope = format!("x/20260101/{region}/ecs/aws4_request");
        let mut answer = ureq::post(&self.address)
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("X-Amz-Target", target)
            .header(
                "Authorization",
                format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=x"),
            )
            .send(body.to_string())
            .unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    /// The services of a cluster, with how many are to run and with which task definition.
    pub fn services(&self, region: &str, cluster: &str) -> Vec<String> {
        let names = self.ecs_in(region, "ListServices", &json!({"cluster": cluster}))["serviceArns"].clone();
        if names.as_array().unwrap().is_empty() {
            return Vec::new();
        }
        let found = self.ecs_in(region, "DescribeServices", &json!({"cluster": cluster, "services": names}));
        let active =
            found["services"].as_array().unwrap().iter().filter(|service| service["status"] == "ACTIVE");
        let shown = active.map(|service| {
            let task = service["taskDefinition"].as_str().unwrap().rsplit('/').next().unwrap();
            format!("{} {} {task}", service["serviceName"].as_str().unwrap(), service["desiredCount"])
        });
        let mut shown: Vec<_> = shown.collect();
        shown.sort();
        shown
    }

    /// From now on keys and policies count.
    pub fn check_permissions(&self) {
        self.post("/moto-api/reset-auth", "0");
    }

    /// Makes a user with keys and a policy: the access key and the secret key.
    pub fn user(&self, name: &str, policy: &str) -> (String, String) {
        self.iam(&[("Action", "CreateUser"), ("UserName", name)]);
        let keys = self.iam(&[("Action", "CreateAccessKey"), ("UserName", name)]);
        self.iam(&[
            ("Action", "PutUserPolicy"),
            ("UserName", name),
            ("PolicyName", "own"),
            ("PolicyDocument", policy),
        ]);
        (element(&keys, "AccessKeyId"), element(&keys, "SecretAccessKey"))
    }

    /// Makes a role with a trust policy.
    pub fn role(&self, name: &str, trust: &str) {
        self.iam(&[("Action", "CreateRole"), ("RoleName", name), ("AssumeRolePolicyDocument", trust)]);
    }

    /// What was asked of it, newest last: the services and the bodies.
    pub fn asked(&self) -> Vec<(String, String)> {
        let asked = |entry: Value| {
            let scope = signed(&entry, 3)?;
            let body = entry["body"].as_str().unwrap_or_default();
            let body = match entry["body_encoded"].as_bool() {
                Some(true) => String::from_utf8(STANDARD.decode(body).unwrap()).unwrap(),
                _ => body.to_owned(),
            };
            Some((scope, body))
        };
        self.recorded().into_iter().filter_map(asked).collect()
    }

    /// The access keys of what was asked of a service, newest last.
    pub fn signers(&self, service: &str) -> Vec<String> {
        let of_service = |entry: &Value| signed(entry, 3).as_deref() == Some(service);
        let recorded = self.recorded().into_iter().filter(of_service);
        recorded.filter_map(|entry| Some(signed(&entry, 0)?.rsplit('=').next()?.to_owned())).collect()
    }

    /// How many objects were sent to a bucket whose keys hold this.
    pub fn stored(&self, part: &str) -> usize {
        let is_put = |entry: &Value| {
            let url = entry["url"].as_str().unwrap_or_default();
            entry["method"] == "PUT" && url.contains(part)
        };
        self.recorded().iter().filter(|entry| is_put(entry)).count()
    }

    fn recorded(&self) -> Vec<Value> {
        let url = format!("{}/moto-api/recorder/download-recording", self.address);
        // Before the first request there is nothing to send.
        let Ok(mut answer) = ureq::get(url).call() else { return Vec::new() };
        let text = answer.body_mut().read_to_string().unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn iam(&self, pairs: &[(&str, &str)]) -> String {
        let form: Vec<_> = pairs.iter().chain([&("Version", "2010-05-08")]).copied().collect();
        ureq::post(&self.address)
            .header(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x",
            )
            .send_form(form)
            .unwrap()
            .body_mut()
            .read_to_string()
            .unwrap()
    }

    fn post(&self, path: &str, body: &str) {
        ureq::post(format!("{}{path}", self.address))
            .header("Content-Type", "text/plain")
            .send(body)
            .unwrap();
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The text of an element.
fn element(xml: &str, name: &str) -> String {
    let document = roxmltree::Document::parse(xml).unwrap();
    let found = document.descendants().find(|node| {
        node.has_tag_name((document.root_element().tag_name().namespace().unwrap_or_default(), name))
    });
    found.and_then(|node| node.text()).unwrap_or_else(|| panic!("no {name} in {xml}")).to_owned()
}

/// A part of what a request was signed for: the access key, the day, the region, the service.
fn signed(entry: &Value, part: usize) -> Option<String> {
    Some(entry["headers"]["Authorization"].as_str()?.split('/').nth(part)?.to_owned())
}
