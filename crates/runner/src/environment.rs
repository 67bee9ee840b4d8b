//! The fingerprint of machine and build, needed to judge or repeat a run.
//!
//! Read once, before the first cell, from `/proc`, `/sys` and `/etc/os-release`. An unavailable setting
//! is `absent`, never a guess.

use record::Environment;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;

/// Properties known only to the build of the tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Compiler, as `rustc --version` names it.
    pub rustc: String,
    /// `release` or `debug`.
    pub profile: String,
    /// Commit, with `+` where the tree was dirty; `unknown` outside a checkout.
    pub commit: String,
}

/// The value of an unavailable setting.
const ABSENT: &str = "absent";

/// Settings that affect measurements, each with its file.
const SETTINGS: [(&str, &str); 9] = [
    ("address-space randomisation", "proc/sys/kernel/randomize_va_space"),
    ("CPU quota", "sys/fs/cgroup/cpu.max"),
    ("frequency boost", "sys/devices/system/cpu/cpufreq/boost"),
    ("frequency governor", "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
    ("memory limit", "sys/fs/cgroup/memory.max"),
    ("memory overcommit", "proc/sys/vm/overcommit_memory"),
    ("simultaneous multithreading", "sys/devices/system/cpu/smt/active"),
    ("swappiness", "proc/sys/vm/swappiness"),
    ("transparent huge pages", "sys/kernel/mm/transparent_hugepage/enabled"),
];

/// Reads the fingerprint of this machine.
pub fn environment(build: &Build) -> Environment {
    read_under(Path::new("/"), build)
}

fn read_under(root: &Path, build: &Build) -> Environment {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let (cpuinfo, meminfo) = (read("proc/cpuinfo"), read("proc/meminfo"));
    let mut settings: BTreeMap<String, String> = SETTINGS
        .iter()
        .map(|(name, file)| ((*name).to_owned(), chosen(&read(file)).to_owned()))
        .collect();
    let virtual_machine = field(&cpuinfo, "flags")
        .map_or(ABSENT, |flags| if flags.contains(" hypervisor") { "yes" } else { "no" });
    settings.insert("virtual machine".to_owned(), virtual_machine.to_owned());
    let swap = kib(&meminfo, "SwapTotal").map_or(ABSENT.to_owned(), |b| format!("{b} bytes"));
    settings.insert("swap".to_owned(), swap);
    Environment {
        cpu: field(&cpuinfo, "model name").unwrap_or(std::env::consts::ARCH).to_owned(),
        cpus: thread::available_parallelism().map_or(1, |n| n.get() as u32),
        memory_bytes: kib(&meminfo, "MemTotal").unwrap_or(0),
        os: operating_system(&read("etc/os-release"), &read("proc/sys/kernel/osrelease")),
        rustc: build.rustc.clone(),
        build: build.profile.clone(),
        commit: build.commit.clone(),
        settings,
        load_before: first_number(&read("proc/loadavg")).unwrap_or(0.0),
    }
}

/// The value of `name : value`, the format of `/proc/cpuinfo` and `/proc/meminfo`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim())
}

/// A field of `/proc/meminfo`, in bytes.
fn kib(meminfo: &str, name: &str) -> Option<u64> {
    let number: u64 = field(meminfo, name)?.strip_suffix(" kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

fn first_number(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

/// The whole line, or the bracketed word where the file lists all choices.
fn chosen(text: &str) -> &str {
    let line = text.trim();
    let bracketed = line.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    match bracketed {
        Some((word, _)) => word,
        None if line.is_empty() => ABSENT,
        None => line,
    }
}

fn operating_system(os_release: &str, kernel: &str) -> String {
    let name = os_release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map_or(std::env::consts::OS, |name| name.trim_matches('"'));
    match kernel.trim() {
        "" => name.to_owned(),
        kernel => format!("{name}, kernel {kernel}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build() -> Build {
        Build {
            rustc: "rustc 1.95.0".to_owned(),
            profile: "release".to_owned(),
            commit: "abc1234+".to_owned(),
        }
    }

    #[test]
    fn a_machine_is_read_from_its_files() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Zen 5\nflags\t\t: fpu hypervisor\n");
        write("proc/meminfo", "MemTotal:       2048 kB\nSwapTotal:  0 kB\n");
        write("proc/loadavg", "0.25 0.10 0.05 1/99 1234\n");
        write("proc/sys/kernel/osrelease", "6.12.0\n");
        write("proc/sys/kernel/randomize_va_space", "2\n");
        write("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
        write("etc/os-release", "ID=debian\nPRETTY_NAME=\"Debian 13\"\n");
        let found = read_under(root.path(), &build());
        assert_eq!((found.cpu.as_str(), found.memory_bytes), ("Zen 5", 2 << 20));
        assert_eq!(found.os, "Debian 13, kernel 6.12.0");
        assert_eq!((found.load_before, found.commit.as_str()), (0.25, "abc1234+"));
        let setting = |name: &str| found.settings[name].as_str();
        assert_eq!(setting("transparent huge pages"), "madvise");
        assert_eq!(setting("address-space randomisation"), "2");
        assert_eq!(setting("virtual machine"), "yes");
        assert_eq!(setting("frequency governor"), "absent");
    }

    #[test]
    fn without_files_every_setting_is_absent() {
        let root = tempfile::tempdir().unwrap();
        let found = read_under(root.path(), &build());
        assert!(found.settings.values().all(|v| v == "absent"), "{:?}", found.settings);
        assert!(found.cpus >= 1);
    }

    #[test]
    fn this_machine_can_be_read() {
        let found = environment(&build());
        assert!(!found.cpu.is_empty() && found.memory_bytes > 1 << 20, "{found:?}");
    }
}
