//! RocksDB behind the Storage seam.
