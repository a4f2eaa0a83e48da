//! Scans of lifecycle rules, by volume and rule: whether one runs, what it has seen, moved and deleted.

use super::super::sight::Sight;
use crate::wire::prometheus::Page;

pub(super) fn scans(page: &mut Page, sight: &Sight<'_>) {
    for (id, scan) in &sight.state.lc_results {
        page.gauge("lc_vol_status", &[("id", id)], f64::from(u8::from(!scan.done)));
        let families: [(&str, &[(&str, i64)]); 4] = [
            ("lc_vol_scanned", &[("file", scan.total_file_scanned_num), ("dir", scan.total_dir_scanned_num)]),
            (
                "lc_vol_expired",
                &[
                    ("delete", scan.expired_delete_num),
                    ("hdd", scan.expired_m_to_hdd_num),
                    ("blobstore", scan.expired_m_to_blobstore_num),
                    ("skip", scan.expired_skip_num),
                ],
            ),
            ("lc_vol_migrate_bytes", &[("hdd", scan.expired_m_to_hdd_bytes), ("blobstore", scan.expired_m_to_blobstore_bytes)]),
            (
                "lc_vol_error",
                &[
                    ("delete", scan.error_delete_num),
                    ("hdd", scan.error_m_to_hdd_num),
                    ("blobstore", scan.error_m_to_blobstore_num),
                    ("readdir", scan.error_read_dir_num),
                ],
            ),
        ];
        for (name, values) in families {
            for (kind, value) in values {
                page.gauge(name, &[("id", id), ("type", kind)], *value as f64);
            }
        }
    }
}
