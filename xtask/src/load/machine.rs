//! The machine of a measurement, and its speed at the two operations that limit the service.

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{
    KeyPair, KeySize, Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey, PrivateDecryptingKey,
};

use crate::Result;
use crate::test_bed::TestBed;

/// Prints it, line by line.
pub(crate) fn print(bed: &TestBed, quick: bool) -> Result {
    let time = Duration::from_secs(if quick { 1 } else { 3 });
    println!("- machine: {}, {} cores, {}", model(), cores(), memory());
    println!("- kernel: Linux {}", read("/proc/sys/kernel/osrelease").trim());
    println!("- commit: {}", bed.commit);
    println!("- date: {}", now().strftime("%Y-%m-%d %H:%M UTC"));
    println!(
        "- RSA-2048 private operations per second on one core (aws-lc): {:.0}",
        Rsa::new()?.per_second(time)?
    );
    let folder = bed.folder();
    println!(
        "- fsyncs per second (4 KiB written over, then fdatasync) in {}, {}: {:.0}",
        folder.parent().unwrap_or(folder).display(),
        file_system(folder),
        fsyncs_per_second(folder, time)?
    );
    println!(
        "- load while measuring began (1 minute): {}",
        read("/proc/loadavg").split(' ').next().unwrap_or("?")
    );
    println!();
    Ok(())
}

/// The system's time; these runs are no part of the service.
#[expect(clippy::disallowed_methods, reason = "a measurement is dated by the system's clock")]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Cores that we may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|_| "unknown".to_owned())
}

fn model() -> String {
    let text = read("/proc/cpuinfo");
    let line = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    line.map_or("unknown processor", |(_, name)| name.trim()).to_owned()
}

fn memory() -> String {
    let text = read("/proc/meminfo");
    let kilobytes = text.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    kilobytes.map_or("memory unknown".to_owned(), |count| {
        format!("{} GiB of memory", (count >> 10).div_ceil(1024))
    })
}

/// The kind of the file system that holds a folder. In memory, an fsync costs nothing and says nothing.
fn file_system(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| PathBuf::from(folder));
    let mounts = read("/proc/mounts");
    let kinds = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let place = Path::new(words.next()?);
        let kind = words.next()?;
        folder.starts_with(place).then_some((place.components().count(), kind))
    });
    match kinds.max_by_key(|(depth, _)| *depth) {
        Some((_, kind @ ("tmpfs" | "ramfs"))) => {
            format!("{kind}: IN MEMORY, so this run says nothing of durability")
        }
        Some((_, kind)) => kind.to_owned(),
        None => "file system unknown".to_owned(),
    }
}

/// RSA-2048 with the private key, by which figures are divided: machines differ, and one machine from hour to hour.
pub(crate) struct Rsa {
    private: Pkcs1PrivateDecryptingKey,
    sealed: [u8; 256],
}

impl Rsa {
    /// Makes a key.
    pub(crate) fn new() -> Result<Self> {
        let failed = |_| "aws-lc cannot do RSA here.".to_owned();
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
        let private = PrivateDecryptingKey::from_pkcs8(pkcs8.as_ref())
            .map_err(|_| failed(aws_lc_rs::error::Unspecified))?;
        let public = Pkcs1PublicEncryptingKey::new(private.public_key()).map_err(failed)?;
        let private = Pkcs1PrivateDecryptingKey::new(private).map_err(failed)?;
        let mut sealed = [0; 256];
        public.encrypt(&[7; 32], &mut sealed).map_err(failed)?;
        Ok(Self { private, sealed })
    }

    /// Operations per second on this thread, measured for `time`.
    pub(crate) fn per_second(&self, time: Duration) -> Result<f64> {
        let mut opened = [0; 256];
        let started = Instant::now();
        let mut count = 0u32;
        while started.elapsed() < time {
            let failed = |_| "aws-lc cannot do RSA here.".to_owned();
            self.private.decrypt(&self.sealed, &mut opened).map_err(failed)?;
            count += 1;
        }
        Ok(f64::from(count) / started.elapsed().as_secs_f64())
    }
}

fn fsyncs_per_second(folder: &Path, time: Duration) -> Result<f64> {
    let run = || {
        let path = folder.join("fsyncs");
        let mut file = std::fs::File::create(&path)?;
        file.write_all(&[0; 4096])?;
        file.sync_all()?;
        let started = Instant::now();
        let mut count = 0u32;
        while started.elapsed() < time {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&[count as u8; 4096])?;
            file.sync_data()?;
            count += 1;
        }
        let rate = f64::from(count) / started.elapsed().as_secs_f64();
        std::fs::remove_file(path)?;
        Ok::<f64, std::io::Error>(rate)
    };
    run().map_err(|error| format!("Cannot write in {}: {error}.", folder.display()))
}
