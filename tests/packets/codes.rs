//! Names and texts of opcodes and result codes, complete both ways.

use crate::vectors::load;
use cfs_master::wire::opcode::Opcode;
use cfs_master::wire::result_code::ResultCode;
use std::collections::BTreeSet;

#[test]
fn every_opcode_has_the_name_and_text_of_v3_5_3_and_there_are_no_others() {
    let mut want = BTreeSet::new();
    for code in load().codes {
        assert_eq!(Opcode(code.value).text(), code.op_text);
        assert_eq!(Opcode(code.value).name(), code.op_names.first().map(String::as_str));
        want.extend(code.op_names.into_iter().map(|name| (code.value, name)));
    }
    let named = Opcode::ALL.iter().map(|op| (op.0, op.name().unwrap()));
    let ours: BTreeSet<_> = named.chain(Opcode::ALIASES.iter().map(|(op, name)| (op.0, *name))).map(|(v, n)| (v, n.to_owned())).collect();
    assert_eq!(ours, want);
}

#[test]
fn every_result_code_has_the_name_and_text_of_v3_5_3_and_there_are_no_others() {
    let mut want = BTreeSet::new();
    for code in load().codes {
        assert_eq!(ResultCode(code.value).text(b""), code.result_text);
        assert_eq!(ResultCode(code.value).name(), code.result_names.first().map(String::as_str));
        want.extend(code.result_names.into_iter().map(|name| (code.value, name)));
    }
    let named = ResultCode::ALL.iter().map(|code| (code.0, code.name().unwrap()));
    let ours: BTreeSet<_> =
        named.chain(ResultCode::ALIASES.iter().map(|(code, name)| (code.0, *name))).map(|(v, n)| (v, n.to_owned())).collect();
    assert_eq!(ours, want);
}

#[test]
fn numbers_that_are_not_listed_have_a_text_too() {
    let listed: BTreeSet<u8> = load().codes.iter().map(|code| code.value).collect();
    for value in (0..=255).filter(|value| !listed.contains(value)) {
        assert_eq!(Opcode(value).text(), format!("op:{value} not found"));
        assert_eq!(ResultCode(value).text(b"x"), format!("Unknown ResultCode({value})"));
        assert_eq!((Opcode(value).name(), ResultCode(value).name()), (None, None));
    }
}

#[test]
fn three_result_texts_end_with_the_body() {
    assert_eq!(ResultCode::ERR.text(b"no disk"), "Err: no disk");
    assert_eq!(ResultCode::AGAIN.text(b"later"), "Again: later");
    assert_eq!(ResultCode::MISMATCH_STORAGE_CLASS.text(b"2"), "OpMismatchStorageClass:2");
    assert_eq!(ResultCode::DISK_ERR.text(b"no disk"), "DiskErr");
    assert_eq!(
        ResultCode::INTRA_GROUP_NET_ERR.refusal_text(b"ActionDataPartitionTryToLeader_partition 12 not exsit"),
        "result code[243],msg[ActionDataPartitionTryToLeader_partition 12 not exsit]"
    );
}
