//! What the worker uses of the machine, from `/proc` and the system's own account of each process.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, ensure};

/// What workerd has used since it started, and what it holds now.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    pub cpu: Duration,
    pub resident_bytes: u64,
    pub threads: usize,
    pub sockets: usize,
}

/// One process of the system.
struct Process {
    parent: u32,
    name: String,
    pages: u64,
}

/// Sums up the processes called workerd below this one.
pub(crate) fn of_workerd_under(root: u32) -> anyhow::Result<Usage> {
    let ours = workerd_under(root)?;
    let cpu = ours.iter().map(|(pid, _)| cpu_of(*pid));
    let pages: u64 = ours.iter().map(|(_, process)| process.pages).sum();
    Ok(Usage {
        cpu: cpu.sum::<anyhow::Result<_>>()?,
        resident_bytes: pages * system(libc::_SC_PAGESIZE)? as u64,
        threads: ours
            .iter()
            .map(|(pid, _)| entries(*pid, "task").count())
            .sum(),
        sockets: ours.iter().map(|(pid, _)| sockets_of(*pid)).sum(),
    })
}

/// Ends the processes called workerd below this one, at once.
pub(crate) fn kill_workerd_under(root: u32) -> anyhow::Result<()> {
    for (pid, _) in workerd_under(root)? {
        // SAFETY: a signal to a process of ours, which has just been seen to run.
        unsafe { libc::kill(libc::pid_t::try_from(pid)?, libc::SIGKILL) };
    }
    Ok(())
}

fn workerd_under(root: u32) -> anyhow::Result<Vec<(u32, Process)>> {
    let mut processes = all()?;
    let is_below = |mut pid: u32| {
        while let Some(process) = processes.get(&pid) {
            if pid == root {
                return true;
            }
            pid = process.parent;
        }
        false
    };
    let ours: Vec<u32> = processes
        .iter()
        .filter(|(pid, process)| process.name == "workerd" && is_below(**pid))
        .map(|(pid, _)| *pid)
        .collect();
    ensure!(!ours.is_empty(), "no workerd runs below process {root}");
    let taken = ours.into_iter();
    Ok(taken
        .filter_map(|pid| Some((pid, processes.remove(&pid)?)))
        .collect())
}

/// What is in a folder of a process's; nothing once it has ended.
fn entries(pid: u32, folder: &str) -> impl Iterator<Item = fs::DirEntry> {
    let entries = fs::read_dir(format!("/proc/{pid}/{folder}"));
    entries.into_iter().flatten().flatten()
}

fn sockets_of(pid: u32) -> usize {
    let is_socket = |entry: &fs::DirEntry| {
        fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    };
    entries(pid, "fd").filter(is_socket).count()
}

/// The processor's time that a process has had, all its threads together: to the microsecond, where `/proc` counts in hundredths of a second.
fn cpu_of(pid: u32) -> anyhow::Result<Duration> {
    let mut clock = 0;
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: both calls write what they are given by reference, and keep nothing.
    let is_read = unsafe {
        libc::clock_getcpuclockid(libc::pid_t::try_from(pid)?, &raw mut clock) == 0
            && libc::clock_gettime(clock, &raw mut time) == 0
    };
    ensure!(is_read, "process {pid} has no clock");
    Ok(Duration::new(
        u64::try_from(time.tv_sec)?,
        u32::try_from(time.tv_nsec)?,
    ))
}

fn all() -> anyhow::Result<BTreeMap<u32, Process>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir("/proc").context("the figures come from Linux's /proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A process may end while it is looked at.
        if let Some(process) = fs::read_to_string(format!("/proc/{pid}/stat"))
            .ok()
            .and_then(|stat| parse(&stat))
        {
            found.insert(pid, process);
        }
    }
    Ok(found)
}

/// Reads a line of `proc(5)`'s `stat`. The name stands in parentheses and may hold some itself.
fn parse(stat: &str) -> Option<Process> {
    let (before, after) = stat.rsplit_once(") ")?;
    let (_, name) = before.split_once(" (")?;
    let fields: Vec<&str> = after.split(' ').collect();
    // The fields are numbered from 1 in the manual, and the first two stand before these.
    let field = |number: usize| fields.get(number - 3)?.trim().parse::<u64>().ok();
    Some(Process {
        parent: u32::try_from(field(4)?).ok()?,
        name: name.to_owned(),
        pages: field(24)?,
    })
}

fn system(name: libc::c_int) -> anyhow::Result<f64> {
    // SAFETY: reads a constant of the system.
    let value = unsafe { libc::sysconf(name) };
    ensure!(value > 0, "the system does not say how it counts");
    Ok(value as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_by_the_numbers_of_its_fields() {
        let stat = "42 (a (b) c) S 7 42 42 0 -1 4194560 100 0 0 0 11 5 0 0 20 0 1 0 900 5000000 321 1844 1 1";
        let process = parse(stat).expect("a process");
        assert_eq!(process.name, "a (b) c");
        assert_eq!((process.parent, process.pages), (7, 321));
        let own = std::process::id();
        assert!(all().expect("/proc").contains_key(&own));
        assert!(cpu_of(own).expect("a clock") > Duration::ZERO);
        assert!(entries(own, "task").count() > 0);
        let before = sockets_of(own);
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        assert!(sockets_of(own) > before);
        drop(socket);
    }
}
