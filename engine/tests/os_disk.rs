//! The real disk: locks, names, direct reads, preallocation, mappings; the log and segments on it.

mod support;

use std::{env, fs, path::PathBuf};

use strata_engine::{
    ColumnId, FileId, PhysicalType, Timestamp, Value,
    io::{
        Disk,
        os::{DirectoryError, OsDisk},
        read_whole, replace,
    },
    log::{Log, Lsn, RecoverFrom},
    segment::{Segment, SegmentError, SegmentWriter, VersionRow},
};
use support::{append, numbers, options, recover};

/// A directory that goes when the test ends.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = env::temp_dir().join(format!("strata-{name}-{}", std::process::id()));
        fs::remove_dir_all(&path).unwrap_or_default();
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

#[test]
fn a_directory_has_one_server_and_the_refusal_names_it() {
    let directory = Directory::new("lock");
    let first = OsDisk::open(&directory.0).unwrap();
    match OsDisk::open(&directory.0) {
        Err(DirectoryError::InUse { holder, .. }) => {
            assert!(holder.contains(&format!("process {}", std::process::id())), "{holder}");
            assert!(holder.contains("boot"));
        }
        other => panic!("{other:?}"),
    }
    drop(first);
    OsDisk::open(&directory.0).unwrap();
}

#[test]
fn names_outside_the_directory_are_refused() {
    let directory = Directory::new("names");
    let disk = OsDisk::open(&directory.0).unwrap();
    for name in ["../a", "a/b", "", ".hidden", "a\0b", "/etc/passwd"] {
        assert!(
            disk.create(name).is_err() && disk.open(name).is_err() && disk.remove(name).is_err(),
            "{name:?}"
        );
    }
    std::os::unix::fs::symlink("/etc/hostname", directory.0.join("link")).unwrap();
    assert!(disk.open("link").is_err() && disk.map("link").is_err());
}

#[test]
fn what_is_written_is_read_every_way() {
    let directory = Directory::new("bytes");
    let disk = OsDisk::open(&directory.0).unwrap();
    let file = disk.create("a.tmp").unwrap();
    assert!(disk.create("a.tmp").is_err());
    let bytes: Vec<u8> = (0..3_000_001_u32).map(|number| ((number * 7) >> 3) as u8).collect();
    file.write_at(&bytes, 0).unwrap();
    file.sync_data().unwrap();
    disk.rename("a.tmp", "a").unwrap();
    disk.sync_directory().unwrap();
    assert_eq!(read_whole(&*file).unwrap(), bytes, "past the cache, by a handle older than the name");
    for (start, length) in [(0, 1), (1, 4095), (4095, 2), (1_048_570, 20), (2_999_000, 1001), (17, 2_500_000)]
    {
        let mut direct = vec![0; length];
        let mut cached = vec![0; length];
        file.read_direct(&mut direct, start as u64).unwrap();
        file.read_at(&mut cached, start as u64).unwrap();
        assert_eq!(direct, bytes[start..start + length]);
        assert_eq!(cached, direct);
    }
    assert!(file.read_direct(&mut [0; 10], bytes.len() as u64 - 5).is_err());
    assert_eq!(disk.map("a").unwrap().as_slice(), bytes);
    assert_eq!(disk.list().unwrap(), ["a", "strata.lock"]);
    replace(&disk, "a", b"other").unwrap();
    assert_eq!(disk.map("a").unwrap().as_slice(), b"other");
    assert_eq!(read_whole(&*file).unwrap(), bytes, "an open file outlives its name");
    let space = disk.space().unwrap();
    assert!(space.available > 0 && space.available <= space.total);
}

#[test]
fn a_preallocated_file_is_zero_and_has_its_blocks() {
    use std::os::unix::fs::MetadataExt;
    let directory = Directory::new("blocks");
    let disk = OsDisk::open(&directory.0).unwrap();
    let file = disk.create("log").unwrap();
    file.preallocate(3 << 20).unwrap();
    file.sync_data().unwrap();
    assert!(read_whole(&*file).unwrap().iter().all(|byte| *byte == 0));
    assert!(fs::metadata(directory.0.join("log")).unwrap().blocks() * 512 >= 3 << 20);
}

#[test]
fn a_log_lives_on_it() {
    let directory = Directory::new("log");
    let environment = OsDisk::environment(&directory.0).unwrap();
    let mut log = Log::create(&environment, options()).unwrap();
    for number in 0..100 {
        append(&mut log, number, 3000);
        log.sync().unwrap();
    }
    drop(log);
    let (_, _, records) = recover(&environment, RecoverFrom { checkpoint: Lsn(0), durable: Lsn(0) }).unwrap();
    assert_eq!(numbers(&records), (0..100).collect::<Vec<_>>());
}

#[test]
fn a_damaged_segment_is_refused_and_an_intact_one_is_mapped() {
    let directory = Directory::new("segment");
    let environment = OsDisk::environment(&directory.0).unwrap();
    let mut writer = SegmentWriter::new(&environment, FileId(1), &[(ColumnId(1), PhysicalType::Int64)]);
    for number in 0..100_000_u64 {
        let values = [Value::Int64(number as i64)];
        let (key, from) = (number.to_be_bytes(), Timestamp(number));
        let row = VersionRow { key: &key, birth: number, from, to: Timestamp::INFINITY, values: &values };
        writer.append(&row).unwrap();
    }
    let written = writer.finish().unwrap();
    let segment = Segment::open(&environment, FileId(1), Some(&written.hash)).unwrap();
    segment.verify().unwrap();
    assert_eq!(segment.find(&77_777_u64.to_be_bytes()).unwrap(), 77_777..77_778);
    let column = segment.column(ColumnId(1), 8192..16_384).unwrap().unwrap();
    drop(segment);
    let numbers = column.as_any().downcast_ref::<arrow_array::Int64Array>().unwrap();
    assert_eq!((numbers.value(0), numbers.value(8191)), (8192, 16_383), "an array outlives its segment");
    let path = directory.0.join("segment-0000000000000001");
    let mut bytes = fs::read(&path).unwrap();
    bytes[700_000] ^= 4;
    fs::write(&path, bytes).unwrap();
    let segment = Segment::open(&environment, FileId(1), Some(&written.hash)).unwrap();
    match segment.verify() {
        Err(SegmentError::Corrupt { block, offset, .. }) => {
            assert_eq!((block, offset), (700_000 / 65_536, 700_000 / 65_536 * 65_536));
        }
        other => panic!("{other:?}"),
    }
}
