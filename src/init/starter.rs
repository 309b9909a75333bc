//! The line that an empty directory gets.

/// The file of the line.
pub const LINE: &str = "shippable.yml";

/// The file of its integrations, and of what an old line lacks.
pub const INTEGRATIONS: &str = "shippable.integrations.yml";

const BEGINNING: &str = r#"# An assembly line: jobs, and the resources that go IN and OUT of them.
#
#   shipctl run hello              run the job
#   shipctl run hello --dry-run    show what that would do
#   shipctl check                  report mistakes in this file

resources:
  # Variables that are no secrets.
  - name: settings
    type: params
    version:
      params:
        GREETING: hello
"#;

const SECRET: &str = r"
  # Secrets: shippable.integrations.yml says where their values are. The log shows *** in their place.
  - name: secrets
    type: integration
    integration: my_secrets
";

const NO_SECRET: &str = r"
  # Secrets come from an integration. To add one: shipctl integration add my_secrets --type keyValuePair
  # - name: secrets
  #   type: integration
  #   integration: my_secrets
";

/// The files of a small line to change, each with its text. With `secret`, the name of a variable, the job gets that as
/// a secret from the environment of its user.
pub fn starter(secret: Option<&str>) -> Vec<(&'static str, String)> {
    let (resource, input, script) = match secret {
        Some(name) => (
            SECRET,
            "      - IN: secrets\n".to_owned(),
            format!(
                "            - echo \"the secret {name} has ${{#{name}}} characters, and the log hides it - ${name}\"\n"
            ),
        ),
        None => (NO_SECRET, "      # - IN: secrets\n".to_owned(), String::new()),
    };
    let line = format!(
        r#"{BEGINNING}{resource}
jobs:
  - name: hello
    type: runSh
    steps:
      - IN: settings
{input}      - TASK:
          name: greet
          script:
            - echo "$GREETING from $JOB_NAME, run $BUILD_NUMBER"
{script}    # Sections run after the TASKs: on_success, on_failure, always.
    always:
      script:
        - echo "done"
"#
    );
    let mut files = vec![(LINE, line)];
    if let Some(name) = secret {
        let integrations = format!(
            "# Credentials, and where their values are: a text, {{env: VARIABLE}}, {{file: path}},\n\
             # {{command: [program, argument]}}, or {{secure: …}} as `shipctl encrypt` prints it.\n\
             \n\
             integrations:\n  - name: my_secrets\n    type: keyValuePair\n    fields:\n      envs:\n        {name}: {{env: {name}}}\n"
        );
        files.push((INTEGRATIONS, integrations));
    }
    files
}
