//! The fields of a service and of a file that nobody here reads: what Compose knows and is not modelled, what Compose does not
//! know, and what matters although it is not modelled.

use super::{Service, is_staged};
use crate::cluster::Severity;
use crate::import::nearest::nearest;
use crate::import::reading::Reading;
use crate::import::yaml::{Key, Node};

/// Fields that are read.
const READ: [&str; 15] = [
    "container_name",
    "depends_on",
    "deploy",
    "env_file",
    "environment",
    "extends",
    "hostname",
    "image",
    "links",
    "network_mode",
    "networks",
    "ports",
    "profiles",
    "scale",
    "volumes",
];

/// Fields Compose knows that change nothing here.
const NOT_MODELLED: [&str; 75] = [
    "annotations",
    "attach",
    "blkio_config",
    "build",
    "cap_add",
    "cap_drop",
    "cgroup",
    "cgroup_parent",
    "command",
    "configs",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpus",
    "cpuset",
    "credential_spec",
    "develop",
    "device_cgroup_rules",
    "devices",
    "dns",
    "dns_opt",
    "dns_search",
    "domainname",
    "entrypoint",
    "expose",
    "external_links",
    "extra_hosts",
    "gpus",
    "group_add",
    "healthcheck",
    "init",
    "ipc",
    "isolation",
    "label_file",
    "labels",
    "logging",
    "mac_address",
    "mem_limit",
    "mem_reservation",
    "mem_swappiness",
    "memswap_limit",
    "models",
    "oom_kill_disable",
    "oom_score_adj",
    "pid",
    "pids_limit",
    "platform",
    "post_start",
    "pre_stop",
    "privileged",
    "provider",
    "pull_policy",
    "pull_refresh_after",
    "read_only",
    "restart",
    "runtime",
    "secrets",
    "security_opt",
    "shm_size",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "storage_opt",
    "sysctls",
    "tmpfs",
    "tty",
    "ulimits",
    "use_api_socket",
    "user",
    "userns_mode",
    "uts",
];

/// Others Compose knows.
const AND: [&str; 2] = ["volumes_from", "working_dir"];

/// Keeps what nobody reads of a service that is staged; refuses what Compose does not know.
pub(super) fn of_service(reading: &mut Reading<'_>, service: &Service, node: &Node) {
    let runs = service.profile.is_none() && service.tool.is_none();
    let staged = runs && is_staged(reading, node);
    for (key, value) in node.entries() {
        let name = &*key.text;
        if READ.contains(&name) || name == "<<" {
            continue;
        }
        if !is_known(name) {
            unknown(reading, service, key);
        } else if staged {
            reading.unread(&service.name, name, word(value), &key.span, why(name));
        }
    }
    if !staged {
        return;
    }
    for name in ["command", "entrypoint"] {
        let set = node.entries().iter().find(|(key, value)| &*key.text == name && !value.is_null());
        if let Some((key, _)) = set {
            let what = format!(
                "`{name}` replaces what the image runs at start; it is taken to come to the same"
            );
            let help = "take it out, or give the configuration files it makes";
            let at = reading.at(&key.span);
            reading.find(("F06", Severity::Warning), at, &service.name, what, help);
        }
    }
    let deploy = node.get("deploy").map(|deploy| deploy.entries()).unwrap_or_default();
    for (key, value) in deploy {
        if !matches!(&*key.text, "replicas" | "restart_policy") {
            let name = format!("deploy.{}", key.text);
            reading.unread(&service.name, &name, word(value), &key.span, "not modelled");
        }
    }
}

fn is_known(name: &str) -> bool {
    NOT_MODELLED.contains(&name) || AND.contains(&name) || name.starts_with("x-")
}

fn why(name: &str) -> &'static str {
    match name {
        "restart" => {
            "not modelled: who exits stays down, and starts again when the scenario says so"
        }
        "healthcheck" => "not modelled: it only decides when Compose starts those who depend on it",
        "expose" => "changes nothing: containers of one network reach all ports of each other",
        name if name.starts_with("x-") => "an extension: Compose does not read it",
        _ => "not modelled",
    }
}

/// Y03: Compose stops at a field it does not know.
fn unknown(reading: &mut Reading<'_>, service: &Service, key: &Key) {
    let message =
        format!("service `{}` has no field `{}`: Compose refuses it", service.name, key.text);
    let known = READ.into_iter().chain(NOT_MODELLED).chain(AND);
    let help = match nearest(&key.text, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "correct it, or start its name with `x-`".to_owned(),
    };
    reading.error("Y03", &key.span, message, "additional property", help);
}

/// A value of one word.
fn word(node: &Node) -> &str {
    node.text()
        .filter(|text| !text.contains('\n') && text.chars().count() <= 80)
        .unwrap_or_default()
}

/// Keeps what nobody reads of the file as a whole.
pub(super) fn of_file(reading: &mut Reading<'_>, root: &Node) {
    for (key, value) in root.entries() {
        let name = &*key.text;
        let why = match name {
            "version" => "obsolete: Compose does not read it",
            "name" => "the project's name changes nothing here",
            "configs" | "secrets" | "models" => "not modelled",
            name if name.starts_with("x-") => {
                "an extension: Compose does not read it, only what refers to it"
            }
            _ => continue,
        };
        reading.unread("", name, word(value), &key.span, why);
    }
    for section in ["networks", "volumes"] {
        let declared = root.get(section).map(|node| node.entries()).unwrap_or_default();
        for (name, settings) in declared {
            for (key, value) in settings.entries() {
                let field = format!("{section}.{}.{}", name.text, key.text);
                reading.unread("", &field, word(value), &key.span, "not modelled");
            }
        }
    }
}
