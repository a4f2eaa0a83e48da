//! Permission texts of users (v3.5.3 http-cluster-volume.md §3.2).
//!
//! Must not know: who has them.

/// What follows `action:oss:` in a known action, as v3.5.3 spells it.
const OSS_ACTIONS: &[&str] = &[
    "GetObject",
    "PutObject",
    "PostObject",
    "CopyObject",
    "ListObjects",
    "DeleteObject",
    "DeleteObjects",
    "HeadObject",
    "CreateBucket",
    "DeleteBucket",
    "HeadBucket",
    "ListBuckets",
    "GetBucketPolicy",
    "PutBucketPolicy",
    "DeleteBucketPolicy",
    "GetBucketPolicyStatus",
    "GetBucketAcl",
    "PutBucketAcl",
    "GetObjectTorrent",
    "GetObjectAcl",
    "PutObjectAcl",
    "CreateMultipartUpload",
    "ListMultipartUploads",
    "UploadPart",
    "UploadPartCopy",
    "ListParts",
    "CompleteMultipartUpload",
    "AbortMultipartUpload",
    "GetBucketLocation",
    "GetObjectXAttr",
    "PutObjectXAttr",
    "ListObjectXAttrs",
    "DeleteObjectXAttr",
    "GetObjectTagging",
    "PutObjectTagging",
    "DeleteObjectTagging",
    "GetBucketTagging",
    "PutBucketTagging",
    "DeleteBucketTagging",
    "GetBucketLifecycle",
    "PutBucketLifecycle",
    "DeleteBucketLifecycle",
    "GetBucketLifecycleConfiguration",
    "PutBucketLifecycleConfiguration",
    "DeleteBucketLifecycleConfiguration",
    "GetBucketVersioning",
    "PutBucketVersioning",
    "ListObjectVersions",
    "GetObjectLegalHold",
    "PutObjectLegalHold",
    "GetObjectRetention",
    "PutObjectRetention",
    "GetBucketEncryption",
    "PutBucketEncryption",
    "DeleteBucketEncryption",
    "GetBucketCors",
    "PutBucketCors",
    "DeleteBucketCors",
    "GetBucketWebsite",
    "PutBucketWebsite",
    "DeleteBucketWebsite",
    "RestoreObject",
    "GetPublicAccessBlock",
    "PutPublicAccessBlock",
    "DeletePulicAccessBlock",
    "GetBucketRequestPayment",
    "PutBucketRequestPayment",
    "GetBucketReplicationAction",
    "PutBucketReplicationAction",
    "DeleteBucketReplicationAction",
    "OptionsObject",
    "GetFederationToken",
    "PutObjectLockConfiguration",
    "GetObjectLockConfiguration",
];

/// Whether a permission text is kept; others are dropped without an error.
pub fn is_known(text: &str) -> bool {
    match text.split_once(':') {
        Some(("perm", rest)) => is_permission(rest),
        Some(("action", rest)) => match rest.split_once(':') {
            Some(("posix", action)) => action == "Read" || action == "Write",
            Some(("oss", action)) => OSS_ACTIONS.contains(&action),
            _ => false,
        },
        _ => false,
    }
}

/// `builtin:` … `Writable` or `ReadOnly`, where a line break ends what may hold a `/`; or `custom:` and a word.
fn is_permission(rest: &str) -> bool {
    if let Some(word) = rest.strip_prefix("custom:") {
        return !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    }
    let Some(middle) = rest.strip_prefix("builtin:").and_then(|r| r.strip_suffix("Writable").or_else(|| r.strip_suffix("ReadOnly"))) else {
        return false;
    };
    middle.split_once('\n').is_none_or(|(_, after)| !after.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_permissions_are_kept_as_v3_5_3_keeps_them() {
        for good in [
            "perm:builtin:Writable",
            "perm:builtin:/a:ReadOnly",
            "perm:custom:abc",
            "action:oss:GetObject",
            "action:posix:Read",
            "action:oss:DeletePulicAccessBlock",
        ] {
            assert!(is_known(good), "{good}");
        }
        for bad in
            ["x", "", "perm:builtin:writable", "action:oss:Nothing", "action:posix:read", "perm:custom:", "perm:custom:a-b", "action:oss"]
        {
            assert!(!is_known(bad), "{bad}");
        }
    }

    #[test]
    fn there_are_seventy_six_actions() {
        let all = OSS_ACTIONS.iter().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(all.len(), OSS_ACTIONS.len());
        assert_eq!(all.len() + 2, 76);
    }
}
