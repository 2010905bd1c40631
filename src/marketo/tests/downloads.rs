use sha2::{Digest, Sha256};

use super::*;

const FILE: &[u8] = b"id,email\n1,a@example.com\n2,null\n3,\"a, \"\"b\"\"\"\n";

fn checksum(bytes: &[u8]) -> String {
    let digits: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

fn completed(bytes: &[u8]) -> ExportJob {
    ExportJob {
        export_id: "ce45".into(),
        status: ExportStatus::Completed,
        created_at: None,
        finished_at: None,
        number_of_records: Some(3),
        file_size: Some(bytes.len() as u64),
        file_checksum: Some(checksum(bytes)),
        error_message: None,
    }
}

fn whole() -> StubResponse {
    StubResponse::new(200, "text/csv", FILE)
}

/// What a server with range support answers.
fn by_range(request: &StubRequest) -> StubResponse {
    let Some(range) = request.header("range") else { return whole() };
    let (from, to) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap_or(FILE.len() - 1));
    StubResponse::new(206, "text/csv", &FILE[from..=to]).header("content-range", &format!("bytes {from}-{to}/{}", FILE.len()))
}

async fn download(stub: &Stub, job: &ExportJob) -> (Result<(), MarketoError>, Vec<u8>, Vec<u64>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("export.csv");
    let progress = Mutex::new(Vec::new());
    let outcome = client(stub).0.download_export(job, &path, |bytes| progress.lock().unwrap().push(bytes)).await;
    (outcome, std::fs::read(&path).unwrap_or_default(), progress.into_inner().unwrap())
}

#[tokio::test]
async fn a_file_is_downloaded_uncompressed_and_verified() {
    let stub = Stub::start(|_, _| whole()).await;
    let (outcome, file, progress) = download(&stub, &completed(FILE)).await;
    assert_eq!(outcome, Ok(()));
    assert_eq!(file, FILE);
    assert_eq!(progress.last(), Some(&(FILE.len() as u64)));
    let request = &stub.requests()[0];
    assert_eq!(request.target, "/marketo/bulk/v1/leads/export/ce45/file.json");
    assert_eq!((request.header("accept-encoding"), request.header("range")), (Some("identity"), None));
}

#[tokio::test]
async fn a_cut_download_goes_on_where_it_ended_and_is_verified_as_a_whole() {
    let stub = Stub::start(|request, n| if n < 2 { by_range(request).cut_after(11) } else { by_range(request) }).await;
    let (outcome, file, progress) = download(&stub, &completed(FILE)).await;
    assert_eq!(outcome, Ok(()));
    assert_eq!(file, FILE);
    let last = FILE.len() - 1;
    let ranges: Vec<_> = stub.requests().iter().map(|request| request.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges, [None, Some(format!("bytes=11-{last}")), Some(format!("bytes=22-{last}"))]);
    assert!(progress.is_sorted());
}

#[tokio::test]
async fn a_server_that_ignores_the_range_does_not_double_the_beginning() {
    let stub = Stub::start(|_, n| if n == 0 { whole().cut_after(11) } else { whole() }).await;
    let (outcome, file, _) = download(&stub, &completed(FILE)).await;
    assert_eq!((outcome, file.as_slice()), (Ok(()), FILE));
}

#[tokio::test]
async fn a_range_other_than_the_one_asked_for_is_refused() {
    let stub = Stub::start(|_, n| match n {
        0 => whole().cut_after(11),
        _ => StubResponse::new(206, "text/csv", &FILE[12..]).header("content-range", "bytes 12-47/48"),
    })
    .await;
    let (outcome, ..) = download(&stub, &completed(FILE)).await;
    assert!(matches!(outcome, Err(MarketoError::UnexpectedAnswer { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_download_is_not_resumed_for_ever() {
    let stub = Stub::start(|request, _| by_range(request).cut_after(2)).await;
    let (outcome, ..) = download(&stub, &completed(FILE)).await;
    assert!(matches!(outcome, Err(MarketoError::Interrupted { received: 8, .. })), "{outcome:?}");
    assert_eq!(stub.requests().len(), 4);
}

#[tokio::test]
async fn a_wrong_checksum_is_an_error() {
    let stub = Stub::start(|_, _| whole()).await;
    let job = ExportJob { file_checksum: Some(checksum(b"another file")), ..completed(FILE) };
    let (outcome, ..) = download(&stub, &job).await;
    let expected = MarketoError::ChecksumMismatch { expected: checksum(b"another file"), received: checksum(FILE) };
    assert_eq!(outcome, Err(expected));
}

#[tokio::test]
async fn a_longer_or_shorter_file_than_announced_is_an_error() {
    let stub = Stub::start(|_, _| whole()).await;
    let longer = ExportJob { file_size: Some(10), ..completed(FILE) };
    let (outcome, ..) = download(&stub, &longer).await;
    assert!(matches!(outcome, Err(MarketoError::SizeMismatch { expected: 10, .. })), "{outcome:?}");
    let shorter = ExportJob { file_size: Some(1000), ..completed(FILE) };
    let (outcome, ..) = download(&stub, &shorter).await;
    assert!(matches!(outcome, Err(MarketoError::Interrupted { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_token_refused_instead_of_the_file_is_renewed() {
    let stub = Stub::start(|request, _| match request.header("authorization") {
        Some("Bearer second") => whole(),
        _ => refusal("602", "Access token expired"),
    })
    .await;
    let (outcome, file, _) = download(&stub, &completed(FILE)).await;
    assert_eq!((outcome, file.as_slice()), (Ok(()), FILE));
}

#[tokio::test]
async fn an_export_without_a_file_is_told_apart() {
    let stub = Stub::start(|_, _| StubResponse::new(404, "text/plain", "Export job is not complete")).await;
    let (outcome, ..) = download(&stub, &completed(FILE)).await;
    assert_eq!(outcome, Err(MarketoError::FileNotReady { message: "Export job is not complete".into() }));
    assert_eq!(stub.requests().len(), 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_an_error() {
    let stub = Stub::start(|_, _| whole()).await;
    let nowhere = tempfile::tempdir().unwrap().path().join("missing/export.csv");
    let outcome = client(&stub).0.download_export(&completed(FILE), &nowhere, |_| ()).await;
    assert!(matches!(outcome, Err(MarketoError::File { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_download_may_run_in_a_task_of_its_own() {
    let stub = Stub::start(|_, _| whole()).await;
    let client = client(&stub).0;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("export.csv");
    let task = tokio::spawn(async move { client.download_export(&completed(FILE), &path, |_| ()).await });
    assert_eq!(task.await.unwrap(), Ok(()));
}
