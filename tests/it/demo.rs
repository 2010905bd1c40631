//! `msi-actions demo`: the guide played to its end, with figures that are true.

use crate::support::binary;

#[test]
fn the_demo_follows_everything_it_begins_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let output = binary(directory.path()).args(["demo", "--people", "60", "--exit"]).output().unwrap();
    let (said, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{why}");
    for figure in [
        "60 people read, ",
        "2 of 2 addresses of a list were invited",
        "2 of its 3 rows can be invited",
        "2 of 3 rows were invited; row 4 has no valid address",
        "4 more people were invited",
        "All 7 steps are done",
    ] {
        assert!(said.contains(figure), "{figure}: {said}");
    }
}
